"""Jobs in ZooKeeper: ``<root>/jobs/<number>``, written by the meta server that leads."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from pegasus_server.meta.jobs.job import Job
from pegasus_server.runtime.coroutine import begin
from pegasus_server.runtime.job_store import decode_job, encode_job
from pegasus_server.runtime.meta_store_zookeeper import Warrant, ZooKeeperStore
from pegasus_server.runtime.zookeeper import (
    Check,
    Create,
    Delete,
    KeeperError,
    Replace,
    Write,
)
from pegasus_server.runtime.zookeeper_paths import ZooKeeperPaths

logger = logging.getLogger(__name__)

NOT_LEADING = "this meta server does not lead any more"


class JobStoreZooKeeper:
    """Jobs beside the tables of a cluster with several meta servers.

    Every write also checks the leader's entry in the line, as the tables' do: a leader that was
    replaced cannot write.

    Args:
        paths: where the cluster's nodes are.
        tables: the store of the tables, which knows by what the leader writes.
        on_fatal: a defect of this program; the text says which.
    """

    def __init__(
        self, paths: ZooKeeperPaths, tables: ZooKeeperStore, on_fatal: Callable[[str], None]
    ) -> None:
        self._paths = paths
        self._tables = tables
        self._on_fatal = on_fatal
        self._stored: set[int] = set()

    def load(self, done: Callable[[list[Job]], None], failed: Callable[[str], None]) -> None:
        """Read all jobs; a damaged one is left out, with a warning."""

        async def load(warrant: Warrant) -> None:
            done(await self._load(warrant))

        self._as_leader(load, failed)

    async def _load(self, warrant: Warrant) -> list[Job]:
        session, folder = warrant.session, self._paths.jobs
        await session.ensure(folder)
        numbers = sorted(int(name) for name in await session.children(folder) if name.isdecimal())
        self._stored = set(numbers)
        jobs = []
        for number in numbers:
            content, _ = await session.get(self._paths.job(number))
            try:
                jobs.append(decode_job(content))
            except (msgspec.DecodeError, UnicodeDecodeError, AssertionError) as error:
                logger.warning("job %d in ZooKeeper is damaged and forgotten: %s", number, error)
        return jobs

    def save(self, job: Job, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Write a job."""
        path, content = self._paths.job(job.id), encode_job(job)
        is_new = job.id not in self._stored
        write: Write = Create(path, content) if is_new else Replace(path, content, None)
        # If the answer is lost the next attempt replaces; of a node that is not there it is told.
        self._stored.add(job.id)

        async def save(warrant: Warrant) -> None:
            await warrant.session.commit([Check(warrant.entry), write])
            done()

        def unsaved(reason: str) -> None:
            if is_new:
                self._look_again(job.id)
            failed(reason)

        self._as_leader(save, unsaved)

    def _look_again(self, id_: int) -> None:
        """Find out whether a job whose creation went wrong is there."""

        async def look(warrant: Warrant) -> None:
            names = await warrant.session.children(self._paths.jobs)
            if str(id_) not in names:
                self._stored.discard(id_)

        self._as_leader(look, lambda reason: logger.warning("job %d: %s", id_, reason))

    def remove(self, id_: int) -> None:
        """Remove a job."""
        self._stored.discard(id_)

        async def remove(warrant: Warrant) -> None:
            await warrant.session.commit([Check(warrant.entry), Delete(self._paths.job(id_))])

        self._as_leader(remove, lambda reason: logger.warning("job %d stays: %s", id_, reason))

    def _as_leader(
        self,
        work: Callable[[Warrant], Coroutine[Deferred[Any], Any, None]],
        failed: Callable[[str], None],
    ) -> None:
        warrant = self._tables.warrant
        if warrant is None:
            failed(NOT_LEADING)
            return

        async def run() -> None:
            try:
                await work(warrant)
            except KeeperError as error:
                failed(f"ZooKeeper: {error}")

        begin(run(), self._on_fatal)
