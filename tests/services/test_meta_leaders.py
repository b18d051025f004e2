"""Three meta servers and ZooKeeper under load: leaders end, sleep, and are cut off (F10, F20 to F24)."""

import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pegasus_server.simulator.history import READS, End
from pegasus_tab.wire import codes
from pegasus_tab.wire.messages import (
    CreateAppOptions,
    CreateAppRequest,
    CreateAppResponse,
    arguments,
    decode_result,
)
from pegasus_tab.wire.partition_hash import partition_index
from tests.faults.cluster import PARTITIONS
from tests.faults.load import Load
from tests.faults.trial import Trial, trial
from tests.integration.wire_client import META, WireClient
from tests.services.beacon_probe import BeaconProbe
from tests.services.cluster import MetaCluster

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240)]

DEFAULT_SESSION_MS = 10_000
SHORT_OUTAGE_SECONDS = 5.0
FLAPS = 5
FLAP_SECONDS = 3.0

Fault = Callable[[Trial, MetaCluster], None]


def run_for(run: Trial, seconds: float) -> None:
    """Let clients work for a while."""
    end = time.monotonic() + seconds
    run.wait_for("time passes", lambda: time.monotonic() >= end)


def write_gap_seconds(load: Load) -> float:
    """Find the longest time in which one partition acknowledged no write."""
    writes = sorted(
        (each.return_us, partition_index(each.hash_key, b"", PARTITIONS))
        for each in load.history.operations
        if each.end is End.OK and each.return_us is not None and each.verb not in READS
    )
    last: dict[int, int] = {}
    worst_us = 0
    for return_us, partition in writes:
        worst_us = max(worst_us, return_us - last.get(partition, return_us))
        last[partition] = return_us
    return worst_us / 1e6


def leader_stops(run: Trial, cluster: MetaCluster) -> None:
    """It ends its session, so another leads at once and no lease ends."""
    old = cluster.leader()
    assert [cluster.leads(each) for each in cluster.metas].count(True) == 1
    assert old.stop() == 0, old.printed()
    new = cluster.leader(other_than=old)
    assert max(cluster.epochs(new)) > max(cluster.epochs(old))
    run.wait_for_answers()
    assert cluster.lapses() == 0, cluster.printed()


def leader_is_killed(run: Trial, cluster: MetaCluster) -> None:
    """F05: another leads once ZooKeeper gives the session up."""
    old = cluster.leader()
    old.kill()
    new = cluster.leader(other_than=old)
    assert max(cluster.epochs(new)) > max(cluster.epochs(old))
    run.wait_for_answers()


def leader_sleeps(run: Trial, cluster: MetaCluster) -> None:
    """F10, F22: on waking it acknowledges nothing, though for a moment it believes to lead."""
    old = cluster.leader()
    cluster.sleep(old)
    cluster.leader(other_than=old)
    run.wait_for_answers()
    with BeaconProbe(old) as probe, WireClient(old.port) as wire:
        request = CreateAppRequest("ghost", CreateAppOptions(4, 3, success_if_exist=False))
        wire.send(codes.CREATE_APP, META, arguments(request.encode()))
        cluster.wake(old)
        run.wait_for("the old leader follows", lambda: probe.refused > 0)
        answer = decode_result(wire.receive(), CreateAppResponse)
        assert probe.granted == 0, probe.acks
    # It may have begun to write, and does not know what became of that.
    assert answer.err in (codes.ERR_FORWARD_TO_OTHERS, codes.ERR_TIMEOUT)
    with WireClient(cluster.leader().port) as wire:
        assert wire.config("ghost").err == codes.ERR_OBJECT_NOT_FOUND


def keeper_away_for_long(run: Trial, cluster: MetaCluster) -> None:
    """F20: when the leader can prove nothing any more, nobody serves; all comes back by itself."""
    cluster.kill_keeper()
    run.wait_for("all leases ended", lambda: cluster.lapses() >= len(cluster.replicas))
    acknowledged = run.load.acknowledged
    run_for(run, 1.0)
    assert run.load.acknowledged == acknowledged, "somebody serves without a lease"
    cluster.start_keeper()
    back = time.monotonic()
    run.wait_for_answers(1)
    sys.stdout.write(f"; answers {time.monotonic() - back:.1f} s after ZooKeeper came back")
    run.wait_for_answers()


def leader_is_cut_off(run: Trial, cluster: MetaCluster) -> None:
    """F21: a leader that loses its session has stopped before another leads, and follows it."""
    old = cluster.leader()
    with BeaconProbe(old) as probe:
        run.wait_for("the leader answers", lambda: probe.granted > 0)
        cluster.cut(old)
        new = cluster.leader(other_than=old)
        granted = probe.granted
        run.wait_for_answers()
        assert probe.granted == granted, "two metas acknowledged beacons"
        assert cluster.network is not None
        cluster.network.heal()
        run.wait_for("the old leader follows", lambda: probe.refused > 0)
    assert cluster.leader() is new
    assert cluster.epochs(new)[-1] > cluster.epochs(old)[-1]


def leaders_change_while_learning(run: Trial, cluster: MetaCluster) -> None:
    """F24: learning ends all the same, and leaves nothing behind."""
    victim = cluster.replicas[0]
    victim.kill()
    shutil.rmtree(victim.folder)
    printed = len(victim.printed())
    victim.start()
    for _ in range(FLAPS):
        flapped = time.monotonic()
        leader = cluster.leader()
        assert leader.stop() == 0, leader.printed()
        cluster.leader(other_than=leader)
        leader.start()
        run_for(run, FLAP_SECONDS - (time.monotonic() - flapped))
    app_id = cluster.config().app_id
    run.wait_for(
        "the wiped server learned everything",
        lambda: all(
            f"replica {app_id}.{index} is secondary" in victim.printed()[printed:]
            for index in range(PARTITIONS)
        ),
    )
    run.wait_for("the table has all its replicas again", cluster.is_whole)
    replicas = [each for each in (victim.folder / "replicas").iterdir() if each.is_dir()]
    assert len(replicas) == PARTITIONS, replicas


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(leader_sleeps, id="F10-F22"),
        pytest.param(keeper_away_for_long, id="F20-long"),
        pytest.param(leader_is_cut_off, id="F21"),
        pytest.param(leaders_change_while_learning, id="F24"),
    ],
)
def test_fault(fault: Fault, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = MetaCluster(tmp_path)
    with trial(cluster, seed) as run:
        fault(run, cluster)
    print_gap(fault.__name__, run, capsys)


def print_gap(name: str, run: Trial, capsys: pytest.CaptureFixture[str]) -> None:
    printed = capsys.readouterr().out
    with capsys.disabled():
        sys.stdout.write(
            f"\n{name}: worst write gap {write_gap_seconds(run.load):.1f} s{printed}\n"
        )


def keeper_is_away_for_a_moment(run: Trial, cluster: MetaCluster) -> None:
    """F20: five seconds are nothing."""
    leader = cluster.leader()
    for meta in cluster.metas:
        cluster.lose_requests(meta)
    run_for(run, SHORT_OUTAGE_SECONDS)
    assert cluster.network is not None
    cluster.network.heal()
    run.wait_for_answers()
    assert cluster.leader() is leader
    assert len(cluster.epochs(leader)) == 1, leader.printed()
    assert cluster.lapses() == 0, cluster.printed()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(leader_stops, id="stop"),
        pytest.param(leader_is_killed, id="F05"),
        pytest.param(keeper_is_away_for_a_moment, id="F20-short"),
    ],
)
def test_fault_with_default_numbers(
    fault: Fault, tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = MetaCluster(tmp_path, DEFAULT_SESSION_MS, lease="")
    with trial(cluster, seed) as run:
        fault(run, cluster)
    print_gap(f"{fault.__name__}, default numbers", run, capsys)


def test_outcomes_of_writes_that_nobody_was_told(tmp_path: Path, seed: int) -> None:
    """F23: requests or answers of ZooKeeper are lost; every ballot rises as it should, once."""
    cluster = MetaCluster(tmp_path, DEFAULT_SESSION_MS)
    with trial(cluster, seed) as run:
        assert cluster.network is not None
        leader = cluster.leader()
        usual = {each.ballot for each in cluster.config().partitions}
        for name, fault in {
            "done": partial(cluster.lose_answers, leader),
            "undone": partial(cluster.lose_requests, leader),
        }.items():
            with WireClient(leader.port) as wire:
                fault()
                request = CreateAppRequest(name, CreateAppOptions(4, 3, success_if_exist=False))
                wire.send(codes.CREATE_APP, META, arguments(request.encode()))
                run.wait_for_answers()
                cluster.network.heal()
                answer = decode_result(wire.receive(), CreateAppResponse)
                assert answer.err == codes.ERR_OK, answer
                run.wait_for("it is whole", partial(is_whole, wire, name))
                assert {each.ballot for each in wire.config(name).partitions} == usual
        assert cluster.leader() is leader
        assert "no answer" in leader.printed()


def is_whole(wire: WireClient, name: str) -> bool:
    return all(each.primary and len(each.secondaries) == 2 for each in wire.config(name).partitions)
