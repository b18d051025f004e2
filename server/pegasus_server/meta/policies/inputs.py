"""What can happen to the policy machine. Requests carry a token that comes back in an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.jobs.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePolicy:
    """Somebody wants a policy; the fields are those of Policy.

    Attributes:
        first_at: unix seconds of the first round; 0 for at once.
        token: comes back in the answer.
    """

    name: str
    tables: tuple[str, ...]
    target: str
    every_seconds: int
    keep: int
    bytes_per_second: int
    first_at: int
    token: object


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterPolicy:
    """Somebody wants a policy changed; None leaves a field as it is."""

    name: str
    every_seconds: int | None
    keep: int | None
    is_paused: bool | None
    token: object


@dataclass(frozen=True, slots=True)
class DropPolicy:
    """Somebody wants a policy forgotten; its backups stay."""

    name: str
    token: object


@dataclass(frozen=True, slots=True)
class PoliciesSaved:
    """The store has what the last SavePolicies held."""


@dataclass(frozen=True, slots=True)
class PoliciesNotSaved:
    """The store may or may not have it."""


@dataclass(frozen=True, slots=True)
class ErrandAnswered:
    """What the job machine said to the last StartErrand of a policy.

    Attributes:
        policy: its id.
        error: an error name, ERR_OK when the job is stored.
        hint: what is wrong; empty for success.
    """

    policy: int
    error: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class LookAtClock:
    """Time passed.

    Attributes:
        tables: names of the tables that are served, without those being restored.
        jobs: all that the job machine remembers.
    """

    tables: frozenset[str]
    jobs: Sequence[Job]


PolicyInput: TypeAlias = (
    CreatePolicy
    | AlterPolicy
    | DropPolicy
    | PoliciesSaved
    | PoliciesNotSaved
    | ErrandAnswered
    | LookAtClock
)
