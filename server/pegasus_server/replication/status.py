"""What a replica can be, and every move between: one table, from which the diagram is drawn.

After pegasus-features.md d2. ERROR is final: quarantined bytes are for the operator. A learner
never becomes primary (A9): there is no such row.
"""

from enum import StrEnum, unique
from types import MappingProxyType

from pegasus_tab.base.cluster import ReplicaStatus


@unique
class Occasion(StrEnum):
    """Why a replica's status may change."""

    NAMED_PRIMARY = "a higher ballot names it primary"
    NAMED_SECONDARY = "a higher ballot names it secondary"
    LEFT_OUT = "a higher ballot leaves it out"
    TAUGHT = "the primary begins to teach it"
    LAPSED = "the lease lapsed, or a higher ballot was heard of"
    PRIMARY_CONFIRMED = "meta confirms it as primary"
    SECONDARY_CONFIRMED = "meta confirms it as secondary"
    BEHIND = "it lacks committed mutations"
    GAVE_UP = "learning came to nothing"
    FAILED = "engine, disk or an invariant failed"


_S = ReplicaStatus
_O = Occasion

MOVES: MappingProxyType[tuple[ReplicaStatus, Occasion], ReplicaStatus] = MappingProxyType(
    {
        (_S.INACTIVE, _O.NAMED_PRIMARY): _S.PRIMARY,
        (_S.INACTIVE, _O.NAMED_SECONDARY): _S.SECONDARY,
        (_S.INACTIVE, _O.LEFT_OUT): _S.INACTIVE,
        (_S.INACTIVE, _O.TAUGHT): _S.LEARNER,
        (_S.INACTIVE, _O.LAPSED): _S.INACTIVE,
        (_S.INACTIVE, _O.PRIMARY_CONFIRMED): _S.PRIMARY,
        (_S.INACTIVE, _O.SECONDARY_CONFIRMED): _S.SECONDARY,
        (_S.INACTIVE, _O.BEHIND): _S.INACTIVE,
        (_S.INACTIVE, _O.FAILED): _S.ERROR,
        (_S.PRIMARY, _O.NAMED_PRIMARY): _S.PRIMARY,
        (_S.PRIMARY, _O.NAMED_SECONDARY): _S.SECONDARY,
        (_S.PRIMARY, _O.LEFT_OUT): _S.INACTIVE,
        (_S.PRIMARY, _O.LAPSED): _S.INACTIVE,
        (_S.PRIMARY, _O.FAILED): _S.ERROR,
        (_S.SECONDARY, _O.NAMED_PRIMARY): _S.PRIMARY,
        (_S.SECONDARY, _O.NAMED_SECONDARY): _S.SECONDARY,
        (_S.SECONDARY, _O.LEFT_OUT): _S.INACTIVE,
        (_S.SECONDARY, _O.TAUGHT): _S.LEARNER,
        (_S.SECONDARY, _O.LAPSED): _S.INACTIVE,
        (_S.SECONDARY, _O.BEHIND): _S.INACTIVE,
        (_S.SECONDARY, _O.FAILED): _S.ERROR,
        (_S.LEARNER, _O.NAMED_SECONDARY): _S.SECONDARY,
        (_S.LEARNER, _O.LEFT_OUT): _S.INACTIVE,
        (_S.LEARNER, _O.TAUGHT): _S.LEARNER,
        (_S.LEARNER, _O.BEHIND): _S.INACTIVE,
        (_S.LEARNER, _O.GAVE_UP): _S.INACTIVE,
        (_S.LEARNER, _O.FAILED): _S.ERROR,
    }
)
"""(status, occasion) -> status; what is not here must not happen."""


def move(status: ReplicaStatus, occasion: Occasion) -> ReplicaStatus:
    """Return what a replica becomes; asserts that the move is allowed."""
    following = MOVES.get((status, occasion))
    assert following is not None, f"a replica that is {status} when {occasion}"
    return following


def diagram() -> str:
    """Draw the table as a mermaid state diagram, one line a move."""
    lines = ["stateDiagram-v2", "    [*] --> inactive: opened"]
    lines += [f"    {before} --> {after}: {why}" for (before, why), after in MOVES.items()]
    return "\n".join(lines) + "\n"
