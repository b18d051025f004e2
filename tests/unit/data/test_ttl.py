"""The sweep: finds what expired long enough ago, in bounded steps, and stops at the end."""

from pegasus_server.data.ttl import SLACK_SECONDS, sweep
from tests.fakes.partition import Partition


def test_only_rows_expired_longer_than_the_slack_are_found(partition: Partition) -> None:
    for sort_key, expire in [
        (b"never", 0),
        (b"later", 5000),
        (b"just", partition.now),
        (b"inside", partition.now - SLACK_SECONDS + 1),
        (b"outside", partition.now - SLACK_SECONDS),
        (b"long ago", 1),
    ]:
        partition.put(b"h", sort_key, b"v", expire)
    expired, resume = sweep(partition.engine, None, 100, partition.now)
    assert resume is None
    partition.engine.discard(expired)
    assert {sort_key for _, sort_key in partition.rows()} == {
        b"never",
        b"later",
        b"just",
        b"inside",
    }


def test_each_step_looks_at_a_bounded_number_of_rows_and_none_is_missed(
    partition: Partition,
) -> None:
    for number in range(10):
        partition.put(b"h", b"%d" % number, b"v", 1 + number % 2 * 5000)
    resume, steps, found = None, 0, []
    while True:
        expired, resume = sweep(partition.engine, resume, 3, partition.now)
        assert len(expired) <= 3
        found += expired
        steps += 1
        if resume is None:
            break
    assert steps == 4
    assert [key[-1:] for key in found] == [b"0", b"2", b"4", b"6", b"8"]


def test_an_empty_partition_is_done_at_once(partition: Partition) -> None:
    assert sweep(partition.engine, None, 10, partition.now) == ([], None)
