"""A real standalone node in a process of its own, for integration tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.integration.server_process import ServerProcess, free_port


class Node(ServerProcess):
    """One node on one folder and port; ``options`` count from the next start on."""

    def __init__(
        self, folder: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        super().__init__("standalone", folder, free_port(), environment)
        self.options: Sequence[str] = options

    @property
    def dsn(self) -> str:
        """Where clients find it."""
        return f"pegasus://127.0.0.1:{self.port}/"

    def arguments(self) -> Sequence[str]:
        """Return what follows the role on the command line."""
        return ["--data", str(self.folder), "--port", str(self.port), *self.options]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_if_running()
