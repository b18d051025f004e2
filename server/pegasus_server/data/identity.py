"""Who answers: the fields app_id, partition_index and server of every data reply (protocol reference 6.1)."""

from typing import NamedTuple

from pegasus_tab.base.ids import Gpid


class ReplicaIdentity(NamedTuple):
    """The replica that answers.

    Attributes:
        gpid: its partition.
        server: its server as "host:port".
    """

    gpid: Gpid
    server: str
