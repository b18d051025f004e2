"""Servers that do not hear each other, or only in part (F14 to F17, F36, F37)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import encode_blob_argument
from tests.faults.cluster import FaultCluster
from tests.faults.network import Network
from tests.faults.proxy import CLIENT
from tests.faults.trial import Trial, trial
from tests.integration.cluster import Server
from tests.integration.wire_client import WireClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SLOW_BYTES_PER_SECOND = 100
PART_BYTES = 3001
"""So much of a connection, then it ends in the middle of a frame."""


def network(run: Trial) -> Network:
    """Return the cluster's network, which it has."""
    assert run.cluster.network is not None
    return run.cluster.network


def are_apart(run: Trial, one: Server, other: Server) -> bool:
    """Tell whether no partition needs two servers to hear each other."""
    return not any(
        {str(each.primary), member} == {one.name, other.name}
        for each in run.cluster.config().partitions
        for member in map(str, each.secondaries)
    )


def cut_from_meta(run: Trial) -> None:
    """F14: the primary stops by itself before meta makes another one."""
    victim = run.cluster.primary()
    network(run).both(run.cluster.label(victim), ["meta"], "hold")
    run.wait_for("others serve", lambda: run.cluster.serves_nothing(victim))
    run.wait_for_answers()


def cut_from_secondary(run: Trial) -> None:
    """F15: the group goes on with one less, by meta's leave."""
    primary, secondary = run.cluster.primary(), run.cluster.secondary()
    network(run).both(run.cluster.label(primary), [run.cluster.label(secondary)], "hold")
    run.wait_for("they are apart", lambda: are_apart(run, primary, secondary))
    run.wait_for_answers()


def lose_answers(run: Trial) -> None:
    """F16: what was asked happens once at most, whatever its client believes."""
    victim = run.cluster.primary()
    network(run).link(run.cluster.label(victim), CLIENT, "drop")
    run.wait_for("a client gave up", lambda: len(run.load.errors) > 0)


def isolate_primary(run: Trial) -> None:
    """F17: clients still reach it, and get nothing from it once its lease is over."""
    victim = run.cluster.primary()
    others = [each for each in run.cluster.everyone_but(victim) if each != CLIENT]
    network(run).both(run.cluster.label(victim), others, "hold")
    run.wait_for("others serve", lambda: run.cluster.serves_nothing(victim))
    with WireClient(victim.port) as wire:
        gpid = Gpid(run.cluster.config().app_id, 0)
        wire.send(codes.GET, gpid, encode_blob_argument(encode_key(b"0.1", b"a")))
        assert wire.receive().error == codes.ERR_INVALID_STATE
    run.wait_for_answers()


def slow_secondary_down(run: Trial) -> None:
    """F36: a replica that cannot keep up leaves the group rather than hold it up."""
    primary, victim = run.cluster.primary(), run.cluster.secondary()
    network(run).link(
        run.cluster.label(primary), run.cluster.label(victim), "throttle", SLOW_BYTES_PER_SECOND
    )
    run.wait_for("they are apart", lambda: are_apart(run, primary, victim))
    run.wait_for_answers()


def reset_in_frames(run: Trial) -> None:
    """F37: connections that end in the middle of a frame, between servers and clients."""
    primary, secondary = run.cluster.primary(), run.cluster.secondary()
    one, other = run.cluster.label(primary), run.cluster.label(secondary)
    network(run).link(one, other, "reset", PART_BYTES)
    run.wait_for_some_answers()
    network(run).link(CLIENT, one, "reset", PART_BYTES)
    run.wait_for("a client lost an answer", lambda: len(run.load.errors) > 0)


def carry_single_bytes(run: Trial) -> None:
    """F37: frames that arrive byte by byte."""
    one = run.cluster.label(run.cluster.primary())
    network(run).both(one, run.cluster.everyone_but(run.cluster.primary()), "byte")
    run.wait_for_some_answers()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(cut_from_meta, id="F14", marks=pytest.mark.services),
        pytest.param(cut_from_secondary, id="F15"),
        pytest.param(lose_answers, id="F16", marks=pytest.mark.services),
        pytest.param(isolate_primary, id="F17", marks=pytest.mark.services),
        pytest.param(slow_secondary_down, id="F36", marks=pytest.mark.services),
        pytest.param(reset_in_frames, id="F37-reset", marks=pytest.mark.services),
        pytest.param(carry_single_bytes, id="F37-bytes", marks=pytest.mark.services),
    ],
)
def test_fault(fault: Callable[[Trial], None], tmp_path: Path, seed: int) -> None:
    with trial(FaultCluster(tmp_path, has_network=True), seed) as run:
        fault(run)
