"""Where a meta server keeps its jobs: one JSON record each, beside the tables."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from pegasus_server.meta.jobs.job import Job
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.storage.atomic_file import fsync_folder, replace_file

logger = logging.getLogger(__name__)

encode_job = msgspec.json.Encoder().encode
decode_job = msgspec.json.Decoder(Job).decode


class JobStore(Protocol):
    """Keeps jobs; every call but ``remove`` ends in exactly one of its two functions."""

    def load(self, done: Callable[[list[Job]], None], failed: Callable[[str], None]) -> None:
        """Read all jobs."""

    def save(self, job: Job, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Write a job in place of what is stored of it; failed: it may or may not be there."""

    def remove(self, id_: int) -> None:
        """Remove a job; one that stays does no harm."""


class JobStoreFolder:
    """Jobs as files of a folder, each replaced in one step.

    Args:
        path: the folder; its parent must exist.
        run_in_background: for reading and writing; runs in order.
    """

    def __init__(self, path: Path, run_in_background: RunInBackground) -> None:
        self._path = path
        self._run_in_background = run_in_background

    def load(self, done: Callable[[list[Job]], None], failed: Callable[[str], None]) -> None:
        """Read all jobs; a damaged one is left out, with a warning."""
        self._run_in_background(self._load, done, lambda error: failed(str(error)))

    def _load(self) -> list[Job]:
        self._path.mkdir(exist_ok=True)
        fsync_folder(self._path.parent)
        jobs = []
        for path in sorted(self._path.glob("*.json")):
            try:
                jobs.append(decode_job(path.read_bytes()))
            except (msgspec.DecodeError, UnicodeDecodeError, AssertionError) as error:
                # A job can be started again; refusing to start over one would cost the cluster.
                logger.warning("job %s is damaged and forgotten: %s", path, error)
        return jobs

    def save(self, job: Job, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Write a job."""
        content = encode_job(job)
        path = self._path / f"{job.id}.json"
        self._run_in_background(
            lambda: replace_file(path, content),
            lambda _: done(),
            lambda error: failed(str(error)),
        )

    def remove(self, id_: int) -> None:
        """Remove a job."""
        path = self._path / f"{id_}.json"
        self._run_in_background(
            lambda: path.unlink(missing_ok=True),
            lambda _: None,
            lambda error: logger.warning("%s stays: %s", path, error),
        )
