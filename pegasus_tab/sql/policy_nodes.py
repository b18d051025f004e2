"""Plans of statements about backup policies (see ``plan_nodes``)."""

from typing import TypeAlias

from pegasus_tab.base.record import record


@record
class CreatePolicy:
    """CREATE BACKUP POLICY.

    Attributes:
        name: of the policy.
        tables: names; empty for all there are when a round begins.
        target: folder or URL.
        every_seconds: from one round to the next, >= 1.
        keep: so many backups of a table are kept, >= 1.
        bytes_per_second: limit of each server; 0 for none.
        first_at: unix seconds of the first round; 0 for at once.
    """

    name: str
    tables: tuple[str, ...]
    target: str
    every_seconds: int
    keep: int
    bytes_per_second: int
    first_at: int


@record
class AlterPolicy:
    """ALTER BACKUP POLICY; None leaves as it is."""

    name: str
    every_seconds: int | None
    keep: int | None
    is_paused: bool | None


@record
class DropPolicy:
    """DROP BACKUP POLICY."""

    name: str


@record
class ListPolicies:
    """SHOW BACKUP POLICIES."""


PolicyPlan: TypeAlias = CreatePolicy | AlterPolicy | DropPolicy | ListPolicies
