"""Which function carries out which step of which kind of job."""

from collections.abc import Callable

from pegasus_server.transfer.archive_steps import abandon_written, finish_written
from pegasus_server.transfer.backup_steps import backup_partition, open_backup
from pegasus_server.transfer.export_steps import export_partition, open_export
from pegasus_server.transfer.order import Done, Progress, Step, WorkerOrder
from pegasus_server.transfer.prune_steps import (
    abandon_prune,
    finish_prune,
    open_prune,
    verify_partition,
)
from pegasus_server.transfer.restore_steps import (
    abandon_restore,
    finish_restore,
    open_restore,
    restore_partition,
)
from pegasus_tab.base.errors import NotSupportedError

CarryOut = Callable[[WorkerOrder, Callable[[Progress], None]], Done]

STEPS: dict[str, dict[Step, CarryOut]] = {
    "export": {
        "open": open_export,
        "partition": export_partition,
        "finish": finish_written,
        "abandon": abandon_written,
    },
    "backup": {
        "open": open_backup,
        "partition": backup_partition,
        "finish": finish_written,
        "abandon": abandon_written,
    },
    "prune": {
        "open": open_prune,
        "partition": verify_partition,
        "finish": finish_prune,
        "abandon": abandon_prune,
    },
    "restore": {
        "open": open_restore,
        "partition": restore_partition,
        "finish": finish_restore,
        "abandon": abandon_restore,
    },
}


def step_of(order: WorkerOrder) -> CarryOut:
    """Return what carries the order out.

    Raises:
        NotSupportedError: this version does not know such jobs.
    """
    known = STEPS.get(order.kind, {}).get(order.step)
    if known is None:
        raise NotSupportedError(
            f"this server cannot carry out the step {order.step} of a job of kind {order.kind}",
            hint="Bring all servers to the same version.",
        )
    return known
