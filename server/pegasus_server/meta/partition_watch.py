"""What meta remembers of a partition beside its record: nothing that has to survive meta."""

from dataclasses import dataclass

from pegasus_tab.base.cluster import ConfigProposal
from pegasus_tab.base.ids import NodeName


@dataclass(frozen=True, slots=True)
class SentProposal:
    """A proposal on its way.

    Attributes:
        to: whom it was sent to.
        proposal: what was asked.
        first_us: when it was sent first.
        last_us: when it was sent last.
    """

    to: NodeName
    proposal: ConfigProposal
    first_us: int
    last_us: int


@dataclass(slots=True)
class PartitionWatch:
    """One partition under this leader's eyes.

    Attributes:
        config_us: when the configuration became current, as far as this leader knows.
        gone_us: since when the primary surely serves nothing, None while it may. It stays set,
            and the primary is confirmed nothing, until the ballot changes.
        is_led: the primary took this configuration up in this leader's time.
        asked: SyncRequests up to this number do not count as evidence (ReplicaReports).
        asked_us: when that began.
        sent: the proposal on its way.
        appointed: who may become primary.
        operator_choice: whom the operator wants as primary, whatever it lost.
        wanted_primary: whom a move wants as primary.
        wanted_learner: whom a move gives a replica.
        wanted_away: whom a move takes the replica from.
        reason: why nothing can be done at present, "" if the partition is whole.
    """

    config_us: int
    asked: int
    asked_us: int
    gone_us: int | None = None
    is_led: bool = False
    sent: SentProposal | None = None
    appointed: NodeName | None = None
    operator_choice: NodeName | None = None
    wanted_primary: NodeName | None = None
    wanted_learner: NodeName | None = None
    wanted_away: NodeName | None = None
    reason: str = ""
