"""Draws depend on seed, place and number alone."""

import pytest

from pegasus_server.simulator.entropy import Entropy


def test_known_draws() -> None:
    """Golden: every replay of every stored schedule rests on these numbers."""
    stream = Entropy(7).stream("link", "a>b")
    assert [stream.below(1000) for _ in range(5)] == [778, 252, 488, 162, 463]


def test_places_do_not_disturb_each_other() -> None:
    alone = Entropy(1).stream("network")
    expected = [alone.bits() for _ in range(10)]
    entropy = Entropy(1)
    other, stream = entropy.stream("disk"), entropy.stream("network")
    drawn = []
    for _ in range(10):
        other.bits()
        drawn.append(stream.bits())
    assert drawn == expected


@pytest.mark.parametrize(("first", "second"), [("1/a", "1/b"), ("1/a", "2/a")])
def test_places_differ(first: str, second: str) -> None:
    def draw(name: str) -> int:
        seed, site = name.split("/")
        return Entropy(int(seed)).stream(site).bits()

    assert draw(first) != draw(second)


def test_ranges() -> None:
    stream = Entropy(3).stream("ranges")
    assert all(0 <= stream.fraction() < 1 for _ in range(100))
    assert {stream.below(3) for _ in range(100)} == {0, 1, 2}
    assert {stream.between(4, 5) for _ in range(100)} == {4, 5}
    assert all(0.1 <= stream.log_uniform(0.1, 1000) <= 1000 for _ in range(100))
    assert not any(stream.chance(0.0) for _ in range(100))
    assert all(stream.chance(1.0) for _ in range(100))
    assert {stream.weighted([("a", 1), ("b", 0)]) for _ in range(20)} == {"a"}
    assert len(stream.bytes(11)) == 11


def test_subset_keeps_the_order() -> None:
    stream = Entropy(3).stream("subset")
    for _ in range(20):
        drawn = stream.subset([1, 2, 3, 4, 5], 3)
        assert drawn == sorted(set(drawn))
        assert len(drawn) == 3
