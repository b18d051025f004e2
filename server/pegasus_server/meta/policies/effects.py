"""What the policy machine asks for."""

from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.meta.policies.policy import Errand, Policy, StoredPolicies


@dataclass(frozen=True, slots=True)
class SavePolicies:
    """Store all policies; answer with PoliciesSaved or PoliciesNotSaved."""

    stored: StoredPolicies


@dataclass(frozen=True, slots=True, kw_only=True)
class StartErrand:
    """Begin a job; answer with ErrandAnswered.

    Attributes:
        policy: whose job it is.
        errand: table and kind of the job.
        is_full: a backup that continues none.
        origin: to be kept with the job, by which it is known again.
    """

    policy: Policy
    errand: Errand
    is_full: bool
    origin: str


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """Answer a request.

    Attributes:
        token: the request's.
        error: an error name, ERR_OK for success.
        hint: what is wrong; empty for success.
    """

    token: object
    error: str
    hint: str = ""


PolicyEffect: TypeAlias = SavePolicies | StartErrand | PolicyAnswer
