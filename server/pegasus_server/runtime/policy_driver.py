"""Drives the policy machine of a meta server while it leads. Decides nothing."""

import logging
from collections.abc import Callable
from functools import partial

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.jobs.effects import JobAnswer
from pegasus_server.meta.policies.effects import (
    PolicyAnswer,
    PolicyEffect,
    SavePolicies,
    StartErrand,
)
from pegasus_server.meta.policies.inputs import (
    ErrandAnswered,
    LookAtClock,
    PoliciesNotSaved,
    PoliciesSaved,
    PolicyInput,
)
from pegasus_server.meta.policies.policies import LOOK_SECONDS, Policies
from pegasus_server.meta.policies.policy import StoredPolicies
from pegasus_server.meta.questions import serving_table
from pegasus_server.meta.table import TableStatus
from pegasus_server.meta.table_envs import RESTORE_ENV
from pegasus_server.runtime.clock import boottime_us, unix_seconds
from pegasus_server.runtime.job_driver import JobDriver
from pegasus_server.runtime.job_start import start_of_job
from pegasus_server.runtime.machine_loop import MachineLoop
from pegasus_server.runtime.policy_store import PolicyStore
from pegasus_tab.base.errors import Error
from pegasus_tab.wire import codes

logger = logging.getLogger(__name__)

US_PER_SECOND = 1_000_000


class PolicyDriver:
    """The policy machine with its store, beside the job machine.

    Args:
        store: where policies are kept.
        jobs: carries the errands out.
        state: the stored tables; asked only while leading.

    Attributes:
        policies: the machine; None until the stored policies are read, and while not leading.
        fault: why they could not be read; empty for nothing wrong.
    """

    def __init__(
        self, store: PolicyStore, jobs: JobDriver, state: Callable[[], ClusterState]
    ) -> None:
        self.policies: Policies | None = None
        self.fault = ""
        self._store = store
        self._jobs = jobs
        self._state = state
        self._loop: MachineLoop[PolicyInput, PolicyEffect] | None = None
        self._is_leading = False
        self._is_loading = False
        self._term = 0
        self._looked_us = 0

    def lead(self, *, is_leading: bool) -> None:
        """Begin or end to lead; call as often as you like."""
        if is_leading == self._is_leading:
            return
        abandoned = [] if self.policies is None else self.policies.abandon()
        self._is_leading = is_leading
        self._term += 1
        self.policies = None
        self.fault = ""
        self._is_loading = False
        if self._loop is not None:
            self._loop.forget()
            self._loop = None
        for answer in abandoned:
            self._perform(answer)
        if is_leading:
            self._load()

    def tick(self) -> None:
        """Let time pass; call as often as the job machine's tick."""
        now_us = boottime_us()
        if not self._is_leading or now_us - self._looked_us < LOOK_SECONDS * US_PER_SECOND:
            return
        self._looked_us = now_us
        jobs = self._jobs.jobs
        if self.policies is None:
            self._load()
        elif jobs is not None and self.policies.policies:
            self.drive(LookAtClock(self._tables(), jobs.jobs))

    def _tables(self) -> frozenset[str]:
        return frozenset(
            table.name
            for table in self._state().tables.values()
            if table.status == TableStatus.AVAILABLE and RESTORE_ENV not in table.envs
        )

    def _load(self) -> None:
        """Read the policies; as long as that fails it is tried again with each look."""
        if self._is_loading:
            return
        term, self._is_loading = self._term, True

        def loaded(stored: StoredPolicies) -> None:
            if term == self._term:
                self._is_loading, self.fault = False, ""
                machine = self.policies = Policies(stored)
                self._loop = MachineLoop(
                    lambda event: machine.step(event, unix_seconds()), self._perform
                )
                logger.info("%d backup policies are stored", len(stored.policies))

        def failed(reason: str) -> None:
            if term == self._term:
                if reason != self.fault:
                    logger.error("backup policies could not be read, none runs: %s", reason)
                self._is_loading, self.fault = False, reason

        self._store.load(loaded, failed)

    def drive(self, event: PolicyInput) -> None:
        """Feed the machine; inputs that come up while effects run wait for their turn."""
        if self._loop is not None:
            self._loop.feed(event)

    def _perform(self, effect: PolicyEffect) -> None:
        match effect:
            case SavePolicies():
                self._save(effect.stored)
            case StartErrand():
                self._start(effect)
            case PolicyAnswer():
                assert callable(effect.token)
                effect.token(effect)

    def _save(self, stored: StoredPolicies) -> None:
        def saved() -> None:
            self._drive_in(term, PoliciesSaved())

        def failed(reason: str) -> None:
            logger.error("backup policies could not be stored: %s", reason)
            self._drive_in(term, PoliciesNotSaved())

        term = self._term
        self._store.save(stored, saved, failed)

    def _drive_in(self, term: int, event: PolicyInput) -> None:
        if term == self._term:
            self.drive(event)

    def _start(self, effect: StartErrand) -> None:
        """Hand an errand to the job machine."""
        id_, kind = effect.policy.id, effect.errand.step
        tell = partial(self._drive_in, self._term)
        error, table = serving_table(self._state(), effect.errand.table)
        if table is None:
            tell(ErrandAnswered(id_, error))
            return

        def answered(answer: JobAnswer) -> None:
            tell(ErrandAnswered(id_, answer.error, answer.hint))

        try:
            start = start_of_job(kind, table, _options(effect), answered, effect.origin)
        except Error as fault:
            tell(ErrandAnswered(id_, codes.ERR_INVALID_PARAMETERS, str(fault)))
            return
        self._jobs.drive(start)


def _options(effect: StartErrand) -> dict[str, object]:
    policy = effect.policy
    common: dict[str, object] = {
        "target": policy.target,
        "bytes_per_second": policy.bytes_per_second,
    }
    if effect.errand.step == "prune":
        return {**common, "keep": policy.keep}
    backup = {"format": "parquet", "ddl": "", "full": effect.is_full, "chain_max": policy.keep}
    return {**common, **backup}
