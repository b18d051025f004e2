"""The policy machine of a meta leader: rounds of backups by the wall clock, through jobs.

Theory of operation. A policy's round begins when its moment has come; moments missed while nobody
led are caught up by one round. A round works on one table at a time: a job ``backup``, then a job
``prune`` that reads the new backup again and only then removes what is too old. What fails is tried
again, after a growing pause, until the next round is due or the policy is paused; the other tables
go on meanwhile.

All policies are one record in the store, and nothing follows from a change before the record is
stored. A job carries the origin that its errand had, so a new leader finds the jobs of the round
that it continues among the stored jobs, and starts none twice.
"""

from collections.abc import Sequence
from dataclasses import replace

from pegasus_server.meta import error_names
from pegasus_server.meta.jobs.job import Job, JobState
from pegasus_server.meta.policies.effects import (
    PolicyAnswer,
    PolicyEffect,
    SavePolicies,
    StartErrand,
)
from pegasus_server.meta.policies.inputs import (
    AlterPolicy,
    CreatePolicy,
    DropPolicy,
    ErrandAnswered,
    LookAtClock,
    PoliciesNotSaved,
    PoliciesSaved,
    PolicyInput,
)
from pegasus_server.meta.policies.policy import Errand, Policy, Round, StoredPolicies
from pegasus_server.meta.policies.schedule import next_round, within_reach

LOOK_SECONDS = 1
"""How often to look."""
POLICIES_MAX = 16
RETRY_SECONDS = 60
RETRY_SECONDS_MAX = 3600
"""Failed errands are tried again after this, and twice as long each further time."""
BUSY_SECONDS = 5
"""A job machine that was busy is asked again after this."""
DAMAGED = "XX001"
"""SQLSTATE of a job that met a damaged backup."""
CHAIN_KINDS = frozenset({"backup", "prune"})
"""Kinds of jobs of which a table has one at a time."""


class Policies:
    """All policies of a cluster.

    Invariants: names and ids are unique; a job is asked for only while the store has the state it
    follows from; of a table at most one is asked for or under way.

    Args:
        stored: what the store holds.
    """

    def __init__(self, stored: StoredPolicies | None = None) -> None:
        self._stored = stored or StoredPolicies()
        self._is_saving = False
        self._is_unsaved = False
        self._save_failed = False
        self._tokens: list[object] = []
        self._asked: dict[int, Errand] = {}
        self._ask_again_at: dict[int, int] = {}

    @property
    def policies(self) -> Sequence[Policy]:
        """All policies, in order of their making."""
        return self._stored.policies

    def abandon(self) -> list[PolicyAnswer]:
        """Return answers to the requests that wait for the store: somebody else leads now.

        Nobody knows whether they were stored, so they are not to be repeated by themselves.
        """
        hint = "another meta server leads now; SHOW BACKUP POLICIES tells what became of it"
        return [PolicyAnswer(token, error_names.TIMEOUT, hint) for token in self._tokens]

    def step(self, event: PolicyInput, now: int) -> list[PolicyEffect]:
        """Advance by one input.

        Args:
            event: what happened.
            now: wall clock, unix seconds; may jump either way.

        Returns:
            Effects in the order to carry them out.
        """
        effects = self._react(event, now)
        if self._is_unsaved and not self._is_saving:
            self._is_saving, self._is_unsaved = True, False
            effects.append(SavePolicies(self._stored))
        self._assert_invariants()
        return effects

    def _react(self, event: PolicyInput, now: int) -> list[PolicyEffect]:
        match event:
            case CreatePolicy():
                return self._create(event, now)
            case AlterPolicy():
                return self._alter(event, now)
            case DropPolicy():
                return self._drop(event)
            case PoliciesSaved():
                return self._on_saved()
            case PoliciesNotSaved():
                self._save_failed = True
                return []
            case ErrandAnswered():
                self._on_answer(event, now)
                return []
            case LookAtClock():
                return self._look(event, now)

    def _assert_invariants(self) -> None:
        policies = self.policies
        assert len({policy.name for policy in policies}) == len(policies), policies
        assert len({policy.id for policy in policies}) == len(policies), policies
        assert all(policy.id <= self._stored.last_id for policy in policies), self._stored
        asked = [errand.table for errand in self._asked.values()]
        assert len(asked) == len(set(asked)), asked

    # Requests.

    def _create(self, event: CreatePolicy, now: int) -> list[PolicyEffect]:
        if self._named(event.name) is not None:
            hint = f"backup policy {event.name} exists already"
            return [PolicyAnswer(event.token, error_names.INVALID_PARAMETERS, hint)]
        if len(self.policies) >= POLICIES_MAX:
            hint = f"there are {POLICIES_MAX} backup policies, which is the limit; drop one"
            return [PolicyAnswer(event.token, error_names.INVALID_PARAMETERS, hint)]
        policy = Policy(
            id=self._stored.last_id + 1,
            name=event.name,
            tables=event.tables,
            target=event.target,
            every_seconds=event.every_seconds,
            keep=event.keep,
            bytes_per_second=event.bytes_per_second,
            next_at=event.first_at or now,
        )
        self._store(StoredPolicies(policy.id, (*self.policies, policy)), event.token)
        return []

    def _alter(self, event: AlterPolicy, now: int) -> list[PolicyEffect]:
        policy = self._named(event.name)
        if policy is None:
            return [_unknown(event.token, event.name)]
        if event.every_seconds is not None:
            policy = replace(policy, every_seconds=event.every_seconds)
            policy = replace(policy, next_at=_reachable(policy, now))
        if event.keep is not None:
            policy = replace(policy, keep=event.keep)
        if event.is_paused is not None:
            policy = replace(policy, is_paused=event.is_paused)
        self._change(policy)
        self._tokens.append(event.token)
        return []

    def _drop(self, event: DropPolicy) -> list[PolicyEffect]:
        policy = self._named(event.name)
        if policy is None:
            return [_unknown(event.token, event.name)]
        self._ask_again_at.pop(policy.id, None)
        others = tuple([each for each in self.policies if each is not policy])
        self._store(replace(self._stored, policies=others), event.token)
        return []

    def _named(self, name: str) -> Policy | None:
        return next((policy for policy in self.policies if policy.name == name), None)

    # Changes, and their way into the store.

    def _change(self, changed: Policy) -> None:
        policies = [changed if each.id == changed.id else each for each in self.policies]
        self._store(replace(self._stored, policies=tuple(policies)))

    def _store(self, stored: StoredPolicies, token: object = None) -> None:
        self._stored = stored
        self._is_unsaved = True
        if token is not None:
            self._tokens.append(token)

    def _on_saved(self) -> list[PolicyEffect]:
        self._is_saving = False
        if self._is_unsaved:
            return []
        tokens, self._tokens = self._tokens, []
        return [PolicyAnswer(token, error_names.OK) for token in tokens]

    # Time.

    def _look(self, look: LookAtClock, now: int) -> list[PolicyEffect]:
        if self._save_failed:
            # The store is asked again now, not at once: it may be away for a while.
            self._save_failed, self._is_saving, self._is_unsaved = False, False, True
        effects: list[PolicyEffect] = []
        for policy in self.policies:
            effects += self._look_at(policy, look, now)
        return effects

    def _look_at(self, policy: Policy, look: LookAtClock, now: int) -> list[PolicyEffect]:
        next_at = _reachable(policy, now)
        if next_at != policy.next_at:
            policy = replace(policy, next_at=next_at)
            self._change(policy)
        if policy.round is None:
            if not policy.is_paused and now >= policy.next_at:
                self._change(_begin_round(policy, look.tables, now))
            return []
        if self._is_saving or self._is_unsaved:
            return []
        if not policy.round.waiting:
            self._end_or_retry(policy, policy.round, now)
            return []
        return self._go_on(policy, policy.round, look, now)

    def _go_on(
        self, policy: Policy, round_: Round, look: LookAtClock, now: int
    ) -> list[PolicyEffect]:
        """See to the first errand that waits."""
        errand, origin = round_.waiting[0], origin_of(policy, round_)
        job = next((job for job in look.jobs if job.origin == origin), None)
        if job is not None:
            if job.state.is_over:
                self._on_job_over(policy, round_, job, now)
            return []
        if errand.table not in look.tables:
            if policy.tables:
                self._fail(policy, round_, f"there is no table {errand.table}", now)
            else:
                self._change(replace(policy, round=_without_first(round_)))
            return []
        if self._has_to_wait(policy, errand, look, now):
            return []
        self._asked[policy.id] = errand
        is_full = errand.step == "backup" and errand.table in policy.damaged
        return [StartErrand(policy=policy, errand=errand, is_full=is_full, origin=origin)]

    def _has_to_wait(self, policy: Policy, errand: Errand, look: LookAtClock, now: int) -> bool:
        ask_again_at = self._ask_again_at.get(policy.id, now)
        return (
            policy.id in self._asked
            or now < ask_again_at <= now + BUSY_SECONDS
            or any(asked.table == errand.table for asked in self._asked.values())
            or any(_is_in_the_way(job, errand.table) for job in look.jobs)
        )

    def _on_answer(self, event: ErrandAnswered, now: int) -> None:
        errand = self._asked.pop(event.policy, None)
        policy = next((each for each in self.policies if each.id == event.policy), None)
        if policy is None or event.error == error_names.OK:
            return
        if event.error == error_names.BUSY:
            self._ask_again_at[policy.id] = now + BUSY_SECONDS
        elif policy.round is not None and policy.round.waiting[:1] == (errand,):
            self._fail(policy, policy.round, event.hint or event.error, now)

    def _on_job_over(self, policy: Policy, round_: Round, job: Job, now: int) -> None:
        errand = round_.waiting[0]
        if job.state is not JobState.DONE:
            if job.sqlstate == DAMAGED:
                policy = policy.with_table_damaged(errand.table, is_damaged=True)
                round_ = _with_first(round_, Errand(errand.table, "backup"))
            self._fail(policy, round_, job.message or f"job {job.id} was {job.state}", now)
        elif errand.step == "backup":
            policy = policy.with_table_damaged(errand.table, is_damaged=False)
            self._change(replace(policy, round=_with_first(round_, Errand(errand.table, "prune"))))
        else:
            self._change(replace(policy, round=_without_first(round_)))

    def _fail(self, policy: Policy, round_: Round, fault: str, now: int) -> None:
        """Put the first errand off; the others go on."""
        errand = round_.waiting[0]
        failed = replace(
            _without_first(round_),
            failed=(*round_.failed, errand),
            retry_at=now + _pause_seconds(round_),
        )
        self._change(replace(policy, round=failed, fault=f"{errand.table}: {fault}"))

    def _end_or_retry(self, policy: Policy, round_: Round, now: int) -> None:
        if not round_.failed:
            self._change(replace(policy, round=None, succeeded=now, fault=""))
        elif now >= policy.next_at or policy.is_paused:
            self._change(replace(policy, round=None))
        elif now >= round_.retry_at or round_.retry_at - now > RETRY_SECONDS_MAX:
            again = replace(round_, waiting=round_.failed, failed=(), tries=round_.tries + 1)
            self._change(replace(policy, round=again))


def origin_of(policy: Policy, round_: Round) -> str:
    """Return what the job of a round's first errand is known by; no other job ever has it."""
    errand = round_.waiting[0]
    number = f"{policy.id}.{round_.number}.{round_.tries}"
    return f"policy {number} {errand.step} {errand.table}"


def _unknown(token: object, name: str) -> PolicyAnswer:
    return PolicyAnswer(token, error_names.OBJECT_NOT_FOUND, f"there is no backup policy {name}")


def _reachable(policy: Policy, now: int) -> int:
    """Return when the next round is; only the first may be further off than the period."""
    if not policy.rounds:
        return policy.next_at
    return within_reach(policy.next_at, policy.every_seconds, now)


def _begin_round(policy: Policy, tables: frozenset[str], now: int) -> Policy:
    names = policy.tables or sorted(tables)
    number = policy.rounds + 1
    waiting = tuple([Errand(name, "backup") for name in names])
    return replace(
        policy,
        rounds=number,
        round=Round(number=number, began=now, waiting=waiting),
        next_at=next_round(policy.next_at, policy.every_seconds, now),
    )


def _pause_seconds(round_: Round) -> int:
    return min(RETRY_SECONDS << min(round_.tries, 16), RETRY_SECONDS_MAX)


def _without_first(round_: Round) -> Round:
    return replace(round_, waiting=round_.waiting[1:])


def _with_first(round_: Round, errand: Errand) -> Round:
    return replace(round_, waiting=(errand, *round_.waiting[1:]))


def _is_in_the_way(job: Job, table: str) -> bool:
    return job.kind in CHAIN_KINDS and job.table == table and not job.state.is_over
