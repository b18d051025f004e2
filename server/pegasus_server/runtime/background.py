"""How blocking work is handed to another thread and its outcome comes back to the reactor's."""

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class RunInBackground(Protocol):
    """Runs blocking jobs one after another; ``DiskThread.run`` is one."""

    def __call__(
        self, job: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
    ) -> None:
        """Run ``job`` in another thread, then ``done`` or ``failed`` in the reactor's."""
