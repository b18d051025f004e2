"""Partitions and decrees as text for an operator, bounded in length."""

from collections.abc import Iterable, Sequence
from itertools import islice

from pegasus_server.mutation_log.record import Written
from pegasus_tab.base.ids import Gpid

RANGES_NAMED_MAX = 8
PARTITIONS_NAMED_MAX = 16


def describe_ranges(ranges: Iterable[tuple[int, int]]) -> str:
    """Write ranges of decrees: ``decree 7, decrees 9..12``."""
    listed = list(islice(ranges, RANGES_NAMED_MAX + 1))
    texts = [
        f"decree {first}" if first == last else f"decrees {first}..{last}"
        for first, last in listed[:RANGES_NAMED_MAX]
    ]
    return ", ".join(texts) + (" and more" if len(listed) > RANGES_NAMED_MAX else "")


def describe_written(entries: Iterable[Written]) -> str:
    """Write mutations by partition: ``1.3 decrees 17..19, 1.4 decree 2``."""
    decrees: dict[Gpid, set[int]] = {}
    for entry in entries:
        decrees.setdefault(entry.gpid, set()).add(entry.decree)
    return _bounded(
        [f"{gpid} {describe_ranges(_ranges(sorted(decrees[gpid])))}" for gpid in sorted(decrees)]
    )


def describe_partitions(gpids: Iterable[Gpid]) -> str:
    """Write partitions in order: ``1.3, 1.4``."""
    return _bounded([str(gpid) for gpid in sorted(gpids)])


def _bounded(texts: Sequence[str]) -> str:
    more = len(texts) - PARTITIONS_NAMED_MAX
    return ", ".join(texts[:PARTITIONS_NAMED_MAX]) + (
        f" and {more} more partitions" if more > 0 else ""
    )


def _ranges(ascending: Iterable[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in ascending:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges
