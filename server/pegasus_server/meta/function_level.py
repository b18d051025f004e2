"""How much meta does by itself (pegasus-features.md a5)."""

from dataclasses import dataclass
from enum import IntEnum, unique


@unique
class FunctionLevel(IntEnum):
    """What meta may do; each level includes the ones below. The numbers are the ancestor's.

    FREEZED: administrative requests only; configurations stand still.
    STEADY: failover and cure too, and the deletion of replicas that are proven superfluous.
    LIVELY: balance too.
    """

    FREEZED = 300
    STEADY = 400
    LIVELY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeNumbers:
    """Below how many living servers meta freezes by itself.

    When most servers vanish at once the fault is more likely between them and meta than in them,
    and moving everything to the few that are left would break those as well.

    Attributes:
        alive_min: living servers needed, >= 1.
        alive_percent_min: living servers needed, in percent of the known ones, 0..100.

    Raises:
        ValueError: a number is out of its range.
    """

    alive_min: int = 1
    alive_percent_min: int = 50

    def __post_init__(self) -> None:
        if self.alive_min < 1:
            raise ValueError("without a living server there is nothing to do; alive_min >= 1")
        if not 0 <= self.alive_percent_min <= 100:
            raise ValueError(f"{self.alive_percent_min} percent is not in 0..100")


def effective_level(
    level: FunctionLevel, alive: int, known: int, numbers: FreezeNumbers
) -> FunctionLevel:
    """Return the level meta acts on.

    Args:
        level: as set by the operator.
        alive: living replica servers.
        known: living and dead replica servers.
        numbers: when to freeze.
    """
    assert 0 <= alive <= known
    is_short = alive < numbers.alive_min or alive * 100 < known * numbers.alive_percent_min
    return min(level, FunctionLevel.FREEZED) if is_short else level
