"""Servers that stand still for a while and then go on as if nothing had been (F08 to F11)."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import encode_blob_argument
from tests.faults.cluster import FaultCluster
from tests.faults.shim import Rule
from tests.faults.trial import Trial, trial
from tests.integration.cluster import Server
from tests.integration.wire_client import WireClient

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SHORT_SECONDS = 1.0
"""Less than a primary waits for a secondary."""
LONG_SECONDS = 5.0
"""More than the grace of the tests' clusters, so also more than their lease."""


def send(server: Server, number: signal.Signals) -> None:
    """Send a signal."""
    assert server.process is not None
    server.process.send_signal(number)


def stop_primary(run: Trial) -> None:
    """F08: a read that waited in its socket meanwhile is not answered from what it knew."""
    victim = run.cluster.primary()
    gpid = Gpid(run.cluster.config().app_id, 0)
    key = encode_blob_argument(encode_key(b"0.1", b"a"))
    with WireClient(victim.port) as wire:
        wire.send(codes.GET, gpid, key)
        assert wire.receive().error == codes.ERR_OK
        send(victim, signal.SIGSTOP)
        wire.send(codes.GET, gpid, key)
        run.wait_for("others serve", lambda: run.cluster.serves_nothing(victim))
        run.wait_for_some_answers()
        send(victim, signal.SIGCONT)
        assert wire.receive().error == codes.ERR_INVALID_STATE


def stop_secondary_briefly(run: Trial) -> None:
    """F09: writes wait for it."""
    victim = run.cluster.secondary()
    send(victim, signal.SIGSTOP)
    time.sleep(SHORT_SECONDS)
    send(victim, signal.SIGCONT)
    run.wait_for_answers()


def stop_secondary(run: Trial) -> None:
    """F09: writes go on without it."""
    victim = run.cluster.secondary()
    send(victim, signal.SIGSTOP)
    run.wait_for("the others go on", lambda: run.cluster.follows_nothing(victim))
    run.wait_for_some_answers()
    send(victim, signal.SIGCONT)


def stop_meta(run: Trial) -> None:
    """F10: nobody serves without a lease; on waking, the only meta server gives leases again."""
    send(run.cluster.meta, signal.SIGSTOP)
    run.wait_for(
        "every lease ended",
        lambda: all("the lease ended" in each.printed() for each in run.cluster.replicas),
    )
    send(run.cluster.meta, signal.SIGCONT)
    run.wait_for_answers()


def stall_loop(run: Trial) -> None:
    """F11: threads go on, the event loop stands."""
    victim = run.cluster.primary()
    run.cluster.shim(victim).obey(Rule("wait", "sleep", int(LONG_SECONDS * 1000)))
    run.wait_for("the lease ended", lambda: "the lease ended" in victim.printed())
    run.cluster.shim(victim).obey()
    run.wait_for_answers()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(stop_primary, id="F08"),
        pytest.param(stop_secondary_briefly, id="F09-short", marks=pytest.mark.services),
        pytest.param(stop_secondary, id="F09-long", marks=pytest.mark.services),
        pytest.param(stop_meta, id="F10", marks=pytest.mark.services),
        pytest.param(stall_loop, id="F11", marks=pytest.mark.services),
    ],
)
def test_fault(fault: Callable[[Trial], None], tmp_path: Path, seed: int) -> None:
    with trial(FaultCluster(tmp_path, has_shim=fault is stall_loop), seed) as run:
        fault(run)
