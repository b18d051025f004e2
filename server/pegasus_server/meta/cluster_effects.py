"""What a cluster's meta server asks its adapter to do, in the order given."""

from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.effects import Reply
from pegasus_server.meta.messages import FromMeta
from pegasus_server.meta.store_effects import StoreEffect
from pegasus_tab.base.ids import NodeName


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message to a replica server, best effort; what matters is sent again."""

    to: NodeName
    message: FromMeta


@dataclass(frozen=True, slots=True)
class Resign:
    """Give leadership up: close the store's session, then take part in elections again.

    Answer with Deposed. The reason is for the log.
    """

    reason: str


ClusterEffect: TypeAlias = Send | Reply | Resign | StoreEffect
