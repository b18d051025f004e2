"""A failed replica holds the log back until what the log has of it lies in its folder."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.mutation_log.pins import Pins
from pegasus_server.mutation_log.remainder import RemainderDamaged
from pegasus_server.replication import log_body
from pegasus_server.runtime.carried_batch import BatchEncoder
from pegasus_server.runtime.log_relief import LogRelief
from pegasus_server.runtime.remainder_file import NAME, read_remainder, write_remainder
from pegasus_tab.base.ids import Ballot, Decree, Gpid
from pegasus_tab.base.limits import KIB
from tests.fakes.hosted_server import GPID, HostedServer, run_now

OTHER = Gpid(1, 1)
LEARNED = 20
LAST = 60
BODY = b"x" * (100 * KIB)


def logged(gpid: Gpid, decree: int) -> Mutation:
    """A mutation whose predecessor is known to be committed."""
    batch = BatchEncoder().body([(b"\0\1k", b"%d" % decree + BODY)])
    body = log_body.join(Ballot(3), Decree(decree - 1), batch)
    return Mutation(gpid, Ballot(3), Decree(decree), decree, body)


class Rig:
    """A server with a replica that failed, and the real log full of its mutations."""

    def __init__(self, path: Path) -> None:
        self.server = HostedServer(path)
        self.server.invite(5)
        self.server.teach(LEARNED)
        self.server.host.flush(lambda: True, lambda: None)
        self.log(GPID, LEARNED + 1, LAST)
        self.log(OTHER, 1, 20)
        self.log_bytes_now = 1000
        self.submitted = self.settled = 7
        self.relief = LogRelief(
            self.server.folder,
            1000,
            log_body.content,
            disk=self,
            run=run_now,
            patients=self.server.host,
        )

    def log(self, gpid: Gpid, first: int, last: int) -> None:
        for decree in range(first, last + 1):
            self.server.log.append_group([logged(gpid, decree)])
        self.server.log.sync()

    @property
    def file(self) -> Path:
        return self.server.folder.replica_path(GPID) / NAME

    def segments(self) -> int:
        """Have the log delete what it may; return how many segments are left."""
        self.server.log.delete_below({OTHER: Decree(20)} | self.server.host.durable())
        return len(list(self.server.folder.log_path.glob("segment.0*")))

    # The log's thread.

    def log_bytes(self) -> int:
        return self.log_bytes_now

    def look_for_pins(self, durable: Mapping[Gpid, Decree], told: Callable[[Pins], object]) -> None:
        told(self.server.log.pins(durable))


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "data")


def test_a_full_log_is_relieved_of_a_failed_replica(rig: Rig) -> None:
    rig.server.replica.fail("flush failed")
    held = rig.segments()
    rig.relief.look()
    assert rig.file.exists()
    assert rig.server.host.durable() == {GPID: LAST}
    assert rig.segments() < held
    assert rig.server.host.failed() == {}, "it needs no more"


def test_one_that_works_is_left_alone(rig: Rig) -> None:
    rig.relief.look()
    assert not rig.file.exists()
    assert rig.server.host.durable() == {GPID: LEARNED}


def test_nothing_is_done_while_the_log_has_room(rig: Rig) -> None:
    rig.server.replica.fail("flush failed")
    rig.log_bytes_now = 999
    rig.relief.look()
    assert not rig.file.exists()


def test_what_it_submitted_last_is_waited_for(rig: Rig) -> None:
    rig.server.replica.fail("flush failed")
    rig.settled = 6
    rig.relief.look()
    assert not rig.file.exists()
    rig.submitted, rig.settled = 100, 7
    rig.relief.look()
    assert rig.file.exists()


def test_so_is_the_end_of_the_segment_it_wrote_to(rig: Rig) -> None:
    rig.log(GPID, LAST + 1, LAST + 1)
    rig.server.replica.fail("flush failed")
    rig.relief.look()
    assert not rig.file.exists()
    rig.log(OTHER, 21, 40)
    rig.relief.look()
    assert rig.file.exists()
    assert rig.server.host.durable() == {GPID: LAST + 1}


def test_what_cannot_be_copied_stays_in_the_log(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.server.replica.fail("flush failed")
    (rig.file.parent / f"{NAME}.tmp").mkdir()
    rig.relief.look()
    assert "restart the server" in caplog.text
    assert rig.server.host.durable() == {GPID: LEARNED}
    assert rig.server.host.failed() == {GPID: LEARNED}
    (rig.file.parent / f"{NAME}.tmp").rmdir()
    rig.relief.look()
    assert not rig.file.exists(), "once is enough"


def test_its_folder_stays_while_it_is_written_to(rig: Rig) -> None:
    rig.server.replica.fail("flush failed")
    assert rig.server.host.begin_keeping(GPID)
    assert not rig.server.host.begin_keeping(GPID)
    rig.server.invite(6)
    rig.server.host.delete(GPID)
    assert rig.server.replica.is_failed
    assert not rig.server.quarantined()
    rig.server.host.end_keeping(GPID, None)
    rig.server.invite(6)
    assert rig.server.quarantined()
    assert not rig.server.host.begin_keeping(GPID), "this one works"


def kill_and_start(rig: Rig) -> HostedServer:
    """Begin the next life as after kill -9: no engine is flushed."""
    path = rig.server.folder.path
    rig.server.replica.rocks.close()
    rig.server.log.close()
    rig.server.folder.lock.release()
    return HostedServer(path)


def test_the_next_life_has_everything_and_its_log_too(rig: Rig) -> None:
    rig.server.replica.fail("flush failed")
    rig.relief.look()
    rig.segments()
    for _ in range(2):
        rig.server = kill_and_start(rig)
        state = rig.server.replica.machine.state
        assert (state.suspect, state.mutations.applied) == (False, LAST - 1)
        assert rig.server.replica.rocks.get(b"\0\1k") == b"%d" % (LAST - 1) + BODY
        assert state.mutations.prepared == LAST, "what was not known to be committed is undecided"
        assert not rig.file.exists(), "from now on the log has it again"
    rig.server.stop()


def test_a_start_that_broke_off_after_it_was_put_back_changes_nothing(rig: Rig) -> None:
    rig.server.replica.fail("flush failed")
    rig.relief.look()
    kept = rig.file.read_bytes()
    rig.segments()
    rig.server = kill_and_start(rig)
    rig.file.write_bytes(kept)
    rig.server = kill_and_start(rig)
    assert rig.server.replica.machine.state.mutations.prepared == LAST
    assert not rig.file.exists()
    rig.server.stop()


def test_what_the_engine_has_by_now_is_only_removed(rig: Rig) -> None:
    rig.server.replica.fail("flush failed")
    rig.relief.look()
    kept = rig.file.read_bytes()
    rig.server = kill_and_start(rig)
    rig.server.replica.rocks.flush()
    rig.file.write_bytes(kept)
    rig.server = kill_and_start(rig)
    assert not rig.file.exists()
    assert rig.server.replica.machine.state.mutations.prepared == LAST
    rig.server.stop()


def test_a_damaged_remainder_goes_to_quarantine_with_its_replica(rig: Rig) -> None:
    rig.server.replica.fail("flush failed")
    rig.relief.look()
    data = bytearray(rig.file.read_bytes())
    data[-1] ^= 1
    rig.file.write_bytes(data)
    rig.server = kill_and_start(rig)
    assert GPID not in rig.server.host.replicas
    assert rig.server.quarantined()
    rig.server.stop()


def test_a_remainder_behind_a_gap_is_refused(tmp_path: Path) -> None:
    write_remainder(tmp_path, [logged(GPID, decree) for decree in (5, 6)])
    assert read_remainder(tmp_path, GPID, Decree(6)) == []
    assert read_remainder(tmp_path, GPID, Decree(4)) == [logged(GPID, 5), logged(GPID, 6)]
    with pytest.raises(RemainderDamaged, match="begins at decree 5"):
        read_remainder(tmp_path, GPID, Decree(3))
    assert read_remainder(tmp_path / "elsewhere", GPID, Decree(3)) is None
