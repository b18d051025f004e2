"""Clients at work while things fail, and the history of what they were told."""

import threading
import time
from pathlib import Path
from typing import Self

from pegasus_server.simulator.history import READS, End, History, Operation
from pegasus_server.simulator.row_model import check_objects, fault_of
from pegasus_tab.base.errors import Error
from pegasus_tab.kv import Client, connect
from tests.faults.rows import (
    ENOUGH_OPERATIONS,
    GENERATION_OPERATIONS,
    Draws,
    last_looks,
    perform,
)

CLIENTS = 5
TIMEOUT_MS = 15_000
"""Of each operation; longer than a failover."""
PAUSE_SECONDS = 0.05
"""After an error."""
STEPS_MAX = 3_000_000
"""Of the search over one object."""


def now_us() -> int:
    """Return the time that all clients share."""
    return time.monotonic_ns() // 1000


class Load:
    """Some clients, each a thread with connections of its own.

    Args:
        dsn: of the cluster.
        table: exists.
        seed: of what they do.

    Attributes:
        history: what they did.
        errors: texts of the errors, for a look at a failed run.
    """

    def __init__(self, dsn: str, table: str, seed: int) -> None:
        self.history = History()
        self.errors: list[str] = []
        self._dsn = dsn
        self._table = table
        self._is_over = threading.Event()
        self._acknowledged = [0] * CLIENTS
        self._faults: list[Exception] = []
        self._threads = [
            threading.Thread(target=self._run, args=(number, Draws(number, seed)))
            for number in range(CLIENTS)
        ]

    @property
    def acknowledged(self) -> int:
        """Count the operations that were answered."""
        return sum(self._acknowledged)

    @property
    def least(self) -> int:
        """Count the answers of the client that got fewest."""
        return min(self._acknowledged)

    @property
    def generation(self) -> int:
        """The rows in use now."""
        return self.acknowledged // GENERATION_OPERATIONS

    @property
    def is_enough(self) -> bool:
        """Tell whether the rows in use now saw enough for a judgement."""
        return self.acknowledged % GENERATION_OPERATIONS >= ENOUGH_OPERATIONS

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Let every client finish what it does."""
        self._is_over.set()
        for each in self._threads:
            each.join()
        if self._faults:
            raise ExceptionGroup("clients failed", self._faults)

    def _run(self, number: int, draws: Draws) -> None:
        try:
            with connect(self._dsn, timeout_ms=TIMEOUT_MS) as client:
                while not self._is_over.is_set():
                    operation = draws.draw(self.generation, now_us())
                    self.history.begin(operation)
                    if self._perform(client, operation):
                        self._acknowledged[number] += 1
                        draws.note(operation)
                        time.sleep(draws.pause_seconds())
                    else:
                        time.sleep(PAUSE_SECONDS)
        except Exception as fault:  # noqa: BLE001 -- raised where the clients are waited for
            self._faults.append(fault)

    def _perform(self, client: Client, operation: Operation) -> bool:
        try:
            operation.outcome = perform(client, client.table(self._table), operation)
        except Error as error:
            self.errors.append(f"{operation.verb} {operation.request_id}: {error.message}")
            if operation.verb in READS or not error.ambiguous:
                operation.end, operation.return_us = End.FAIL, now_us()
            return False
        operation.end, operation.return_us = End.OK, now_us()
        return True

    def look_at_all(self) -> None:
        """Read every row once more, after all clients ended."""
        with connect(self._dsn, timeout_ms=TIMEOUT_MS) as client:
            for operation in last_looks(CLIENTS, self.generation + 1):
                operation.call_us = now_us()
                self.history.begin(operation)
                assert self._perform(client, operation), self.errors[-1]

    def judge(self, file: Path) -> str | None:
        """Say what is wrong with the history, which is then kept in a file; None if nothing is."""
        operations = self.history.operations
        fault = fault_of(operations, check_objects(operations, STEPS_MAX))
        if fault is not None:
            with file.open("w") as lines:
                lines.writelines(line + "\n" for line in self.history.json_lines())
        return fault
