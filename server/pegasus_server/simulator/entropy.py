"""Randomness as a function of place: hash(seed, site, entity, counter).

With one stream for all, taking one fault out of a schedule would shift every later draw and give
another run altogether; nothing could be shrunk. Here each place draws from its own stream, so what
happens elsewhere stays as it was (reliability reference 5.4).
"""

from collections.abc import Sequence
from hashlib import blake2b
from math import exp, log
from typing import TypeVar

_MASK = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15
_FRACTION_BITS = 53

Item = TypeVar("Item")


class Stream:
    """The draws of one place, numbered by a counter (SplitMix64 over a hashed origin).

    Args:
        origin: 64 bits that name the place.
    """

    def __init__(self, origin: int) -> None:
        self._state = origin

    def bits(self) -> int:
        """Draw 64 bits."""
        self._state = (self._state + _STEP) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def fraction(self) -> float:
        """Draw from [0, 1)."""
        return (self.bits() >> (64 - _FRACTION_BITS)) / (1 << _FRACTION_BITS)

    def chance(self, probability: float) -> bool:
        """Draw True with a probability, 0..1."""
        return probability > 0 and self.fraction() < probability

    def below(self, count: int) -> int:
        """Draw from 0..count-1."""
        assert count >= 1
        return self.bits() % count

    def between(self, lowest: int, highest: int) -> int:
        """Draw from lowest..highest, both included."""
        return lowest + self.below(highest - lowest + 1)

    def log_uniform(self, lowest: float, highest: float) -> float:
        """Draw from [lowest, highest), every order of magnitude alike; lowest > 0."""
        assert 0 < lowest <= highest
        return exp(log(lowest) + (log(highest) - log(lowest)) * self.fraction())

    def exponential(self, mean: float) -> float:
        """Draw from the exponential distribution with this mean, cut off at 20 means."""
        return min(-log(1.0 - self.fraction()), 20.0) * mean

    def choice(self, items: Sequence[Item]) -> Item:
        """Draw one of the items."""
        return items[self.below(len(items))]

    def weighted(self, items: Sequence[tuple[Item, int]]) -> Item:
        """Draw one of the items, each as often as its weight says."""
        rest = self.below(sum(weight for _, weight in items))
        for item, weight in items:
            rest -= weight
            if rest < 0:
                return item
        raise AssertionError("weights are not negative")

    def subset(self, items: Sequence[Item], count: int) -> list[Item]:
        """Draw ``count`` different items, in the order they have."""
        left = list(range(len(items)))
        drawn = [left.pop(self.below(len(left))) for _ in range(count)]
        return [items[index] for index in sorted(drawn)]

    def bytes(self, count: int) -> bytes:
        """Draw bytes."""
        words = [self.bits().to_bytes(8, "little") for _ in range(-(-count // 8))]
        return b"".join(words)[:count]


class Entropy:
    """All randomness of one world.

    Args:
        seed: names the world.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def stream(self, site: str, entity: str = "") -> Stream:
        """Give the stream of one place, from its beginning.

        Args:
            site: what is drawn.
            entity: for whom.
        """
        # Not hash(): that one changes with PYTHONHASHSEED.
        name = f"{self._seed}/{site}/{entity}".encode()
        return Stream(int.from_bytes(blake2b(name, digest_size=8).digest(), "little"))
