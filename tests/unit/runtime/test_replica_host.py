"""The life of replicas on a server: invited, broken, replaced, deleted, and found again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pegasus_server.replication.inputs import Discarded
from pegasus_server.replication.messages import LearnAnswer, LearnMode
from pegasus_server.runtime.quarantine import QUARANTINED_MAX
from pegasus_server.runtime.replica_folder import ReplicaFolder
from pegasus_server.storage.side_file import read_side_file
from pegasus_tab.base.cluster import (
    ConfigProposal,
    PartitionConfig,
    ProposalKind,
    ReplicaStatus,
)
from pegasus_tab.base.ids import Ballot, Gpid, Signature
from tests.fakes.hosted_server import GPID, MEMORY, NODE, HostedServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HostedServer]:
    server = HostedServer(tmp_path / "data")
    yield server
    server.stop()


def test_an_invitation_makes_a_learner(server: HostedServer) -> None:
    server.invite(5)
    assert server.replica.machine.status == ReplicaStatus.LEARNER
    (request,) = server.requests()
    assert (request.signature, request.committed) == (5, 0)
    assert server.disk.discarded == [(GPID, 0)], "what an earlier replica logged is void"
    assert server.host.durable() == {GPID: 0}
    record = read_side_file(server.folder.replica_path(GPID) / "side.json")
    assert (record.suspect, record.signature, record.ballot) == (True, 5, 3)


def test_what_is_no_invitation_makes_nothing(server: HostedServer) -> None:
    server.hear(LearnAnswer(Ballot(3), Signature(5), 1, LearnMode.LATER))
    assert not server.host.replicas
    assert list(server.folder.replicas()) == []


def test_a_learner_holds_what_it_was_taught(server: HostedServer) -> None:
    server.invite(5)
    server.teach(20)
    assert server.replica.rocks.applied_decree == 20
    assert server.replica.rocks.get(b"\0\1k") == b"v20"
    assert not read_side_file(server.folder.replica_path(GPID) / "side.json").suspect
    server.host.flush(lambda: True, lambda: None)
    assert server.host.durable() == {GPID: 20}


def test_nothing_is_flushed_without_room(server: HostedServer) -> None:
    server.invite(5)
    server.teach(20)
    server.host.flush(lambda: False, lambda: None)
    assert server.host.durable() == {GPID: 0}


def test_a_broken_replica_makes_room_once_another_copy_is_offered(server: HostedServer) -> None:
    server.invite(5)
    server.teach(20)
    server.replica.fail("a bit flipped")
    assert server.replica.is_failed
    assert not server.quarantined(), "it may be the last copy"
    server.invite(6)
    ((name, reason),) = server.quarantined().items()
    assert name == "1.0.1"
    assert "a bit flipped" in reason
    assert server.replica.machine.status == ReplicaStatus.LEARNER
    assert server.requests()[-1].committed == 0
    server.teach(20)
    assert server.replica.rocks.applied_decree == 20


def test_a_proposal_to_lead_does_not_replace_a_broken_replica(server: HostedServer) -> None:
    """It comes from meta, and proves no other copy."""
    server.invite(5)
    server.replica.fail("a bit flipped")
    config = PartitionConfig(Ballot(7), None)
    proposal = ConfigProposal(GPID, ProposalKind.ASSIGN_PRIMARY, NODE, config)
    server.host.drive(GPID, proposal, is_invitation=True)
    assert server.replica.is_failed
    assert not server.quarantined()


def test_where_copies_break_again_and_again_none_is_made(server: HostedServer) -> None:
    for signature in range(5, 5 + QUARANTINED_MAX + 1):
        server.invite(signature)
        server.replica.fail("again")
    server.invite(99)
    assert len(server.quarantined()) == QUARANTINED_MAX
    assert GPID not in server.host.replicas
    assert "broke on this server" in server.host.faults[GPID]
    assert server.folder.replica_path(GPID).exists(), "its bytes are kept where they are"
    assert server.host.durable() == {GPID: 0}, "and the log for it"


@pytest.mark.parametrize("is_broken", [False, True])
def test_a_superfluous_replica_goes_a_broken_one_is_kept(
    server: HostedServer, *, is_broken: bool
) -> None:
    server.invite(5)
    server.host.delete(GPID)
    assert GPID in server.host.replicas, "it learns just now"
    if is_broken:
        server.replica.fail("a bit flipped")
    else:
        server.invite(0, ballot=4)  # the next configuration leaves it out
    server.host.delete(GPID)
    assert GPID not in server.host.replicas
    assert list(server.folder.replicas()) == []
    assert bool(server.quarantined()) == is_broken
    assert server.host.durable() == {}


def test_replicas_of_a_purged_table_go_whatever_they_are(server: HostedServer) -> None:
    server.invite(5)
    server.replica.fail("a bit flipped")
    server.host.delete(GPID, is_purged=True)
    assert list(server.folder.replicas()) == []
    assert not server.quarantined()


def test_durable_falls_when_data_is_discarded(server: HostedServer) -> None:
    """Otherwise the log would let go of what the new data has not on disk (A14)."""
    server.invite(5)
    server.teach(20)
    server.host.flush(lambda: True, lambda: None)
    server.invite(6, ballot=4)
    asked = server.requests()[-1]
    server.hear(LearnAnswer(Ballot(4), Signature(6), asked.round, LearnMode.DISCARD))
    assert server.host.durable() == {GPID: 0}
    server.teach(7)
    assert server.host.durable() == {GPID: 0}
    server.host.flush(lambda: True, lambda: None)
    assert server.host.durable() == {GPID: 7}


def test_data_discarded_for_an_attempt_that_is_over_is_asked_for_again(
    server: HostedServer,
) -> None:
    server.invite(5)
    server.teach(20)
    server.invite(6, ballot=4)
    assert server.requests()[-1].committed == 20
    server.replica.drive(Discarded(Signature(5)))
    assert server.requests()[-1].signature == 6
    assert server.requests()[-1].committed == 0


# The next life.


def next_life(server: HostedServer, *, is_suspect: bool = False) -> HostedServer:
    path = server.folder.path
    server.stop()
    return HostedServer(path, is_suspect=is_suspect)


def make_whole(path: Path) -> HostedServer:
    """Return a server with a replica that learned up to decree 20."""
    server = HostedServer(path)
    server.invite(5)
    server.teach(20)
    return server


def test_a_clean_replica_comes_back_whole(tmp_path: Path) -> None:
    server = next_life(make_whole(tmp_path / "data"))
    state = server.replica.machine.state
    assert (state.suspect, state.mutations.applied, state.ballot) == (False, 20, 3)
    server.stop()


def test_suspicion_outlives_the_start_that_raised_it(tmp_path: Path) -> None:
    server = next_life(make_whole(tmp_path / "data"), is_suspect=True)
    assert server.replica.machine.state.suspect
    server = next_life(server)
    assert server.replica.machine.state.suspect
    server.stop()


def test_without_its_log_a_server_is_suspect_for_good(tmp_path: Path) -> None:
    server = make_whole(tmp_path / "data")
    server.stop()
    shutil.rmtree(server.folder.log_path)
    server = HostedServer(tmp_path / "data")
    assert server.replica.machine.state.suspect
    assert server.replica.rocks.applied_decree == 20, "the bytes stay"
    server = next_life(server)
    assert server.replica.machine.state.suspect
    server.stop()


@pytest.mark.parametrize("content", [None, b"", bytes(300), b"{}"])
def test_a_side_file_that_is_gone_or_zeroed(tmp_path: Path, content: bytes | None) -> None:
    """F33: no replica for the cluster, the bytes kept."""
    server = make_whole(tmp_path / "data")
    server.stop()
    side = server.folder.replica_path(GPID) / "side.json"
    side.unlink() if content is None else side.write_bytes(content)
    server = HostedServer(tmp_path / "data")
    assert not server.host.replicas
    assert not server.host.faults
    (kept,) = server.folder.quarantine.held(GPID)
    assert (kept / "db" / "CURRENT").exists()
    server.invite(9)
    assert server.replica.machine.status == ReplicaStatus.LEARNER
    server.stop()


def test_what_a_crash_left_half_made_or_half_deleted_is_swept(tmp_path: Path) -> None:
    server = make_whole(tmp_path / "data")
    server.stop()
    replicas = tmp_path / "data" / "replicas"
    for name in ("7.0.tmp", "8.0.gone"):
        (replicas / name / "db").mkdir(parents=True)
    server = HostedServer(tmp_path / "data")
    assert sorted(path.name for path in replicas.iterdir()) == ["1.0"]
    server.stop()


def test_a_folder_of_another_replica_is_not_used(tmp_path: Path) -> None:
    server = make_whole(tmp_path / "data")
    other = Gpid(1, 1)
    ReplicaFolder(server.folder.replica_path(other), other, MEMORY).create()
    server.stop()
    shutil.rmtree(server.folder.replica_path(other))
    shutil.copytree(server.folder.replica_path(GPID), server.folder.replica_path(other))
    server = HostedServer(tmp_path / "data")
    assert list(server.host.replicas) == [GPID]
    (kept,) = server.folder.quarantine.held(other)
    assert "copied or moved" in (kept / "reason").read_text()
    server.stop()
