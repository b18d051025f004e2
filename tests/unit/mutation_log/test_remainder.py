"""What the log holds of a replica that failed, taken out of it and read back."""

import pytest

from pegasus_server.mutation_log.mutation import whole_body
from pegasus_server.mutation_log.remainder import (
    RemainderDamaged,
    decode_remainder,
    encode_remainder,
    gather,
)
from pegasus_tab.base.ids import Decree
from tests.fakes.log_bytes import CLUSTER, NODE, gpid, mutation
from tests.fakes.log_folder import FakeFolder
from tests.fakes.open_log import append, durable, open_log, segments

OWNER = CLUSTER, NODE


def test_a_remainder_reads_back_as_it_was() -> None:
    kept = [mutation(3, decree, ballot=2) for decree in range(5, 9)]
    assert decode_remainder(encode_remainder(kept), gpid(3)) == kept


def test_every_damaged_byte_is_noticed() -> None:
    data = encode_remainder([mutation(3, decree) for decree in (5, 6)])
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1
        with pytest.raises(RemainderDamaged):
            decode_remainder(bytes(damaged), gpid(3))
    for end in range(len(data)):
        with pytest.raises(RemainderDamaged):
            decode_remainder(data[:end], gpid(3))


@pytest.mark.parametrize(
    "kept", [[mutation(4, 5)], [mutation(3, 5), mutation(4, 6)], [mutation(3, 5), mutation(3, 7)]]
)
def test_what_is_of_another_replica_or_has_holes_is_refused(kept: list[object]) -> None:
    with pytest.raises(RemainderDamaged):
        decode_remainder(encode_remainder(kept), gpid(3))  # type: ignore[arg-type]  # mutations


def test_closed_segments_of_a_running_log_are_gathered() -> None:
    folder = FakeFolder()
    log, _ = open_log(folder)
    append(log, 0, 1, 10)
    append(log, 1, 1, 20)
    pins = log.pins(durable({0: 4}))
    assert pins.held == {gpid(0)}
    held = gather(folder, OWNER, gpid(0), Decree(4), pins.writing, whole_body)
    assert held.suspect is None
    assert [each.decree for each in held.mutations] == [5, 6, 7, 8, 9, 10]

    before = segments(folder)
    log.delete_below(durable({0: 4, 1: 20}))
    assert segments(folder)[-1] == before[-1]
    left = segments(folder)
    log.delete_below(durable({0: 10, 1: 20}))
    assert len(segments(folder)) < len(left)


def test_who_needs_nothing_or_still_writes_is_no_pin() -> None:
    folder = FakeFolder()
    log, _ = open_log(folder)
    append(log, 0, 1, 10)
    append(log, 1, 1, 20)
    assert log.pins(durable({0: 10})).held == set()
    assert log.pins(durable({1: 0})).held == set(), "the segment being written has some of it"
    assert log.pins({}).held == set()


def test_what_the_log_lost_is_not_taken_for_whole() -> None:
    folder = FakeFolder()
    log, _ = open_log(folder)
    append(log, 0, 1, 10)
    append(log, 1, 1, 20)
    first = segments(folder)[0]
    folder.flip_bit(first, (len(folder.read(first)) * 3 // 4) * 8)
    pins = log.pins(durable({0: 0}))
    held = gather(folder, OWNER, gpid(0), Decree(0), pins.writing, whole_body)
    assert held.suspect is not None
