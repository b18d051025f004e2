"""The state meta keeps: every table, living or dropped, and the level. Values, no behaviour in time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.table import Table, TableStatus
from pegasus_tab.base.ids import Ballot


@dataclass(frozen=True, slots=True)
class ClusterState:
    """All tables by id, in order of creation.

    Invariants (checked by ``check``): every id is below ``next_app_id``; names of tables that are
    not dropped are unique; a lost id is below ``next_app_id`` and no table's.

    Attributes:
        next_app_id: the id the next table gets; never falls.
        tables: app id -> table.
        level: function level the operator set, None while the configured one holds.
        lost_ids: ids a recovery found no table for, ascending. Whoever had those tables was not
            asked, so a replica under such an id is never taken for one of a purged table.
    """

    next_app_id: int = 1
    tables: Mapping[int, Table] = field(default_factory=dict)
    level: FunctionLevel | None = None
    lost_ids: tuple[int, ...] = ()

    def check(self) -> None:
        """Assert the invariants."""
        assert all(1 <= app_id < self.next_app_id for app_id in self.tables)
        living = [each.name for each in self.tables.values() if each.status != TableStatus.DROPPED]
        assert len(living) == len(set(living))
        assert all(1 <= each < self.next_app_id for each in self.lost_ids)
        assert not set(self.lost_ids) & set(self.tables)

    def by_name(self, name: str) -> Table | None:
        """Return the table of that name that is not dropped, or None."""
        for table in self.tables.values():
            if table.name == name and table.status != TableStatus.DROPPED:
                return table
        return None

    def with_new_table(self, table: Table) -> "ClusterState":
        """Return the state with a table added under the next free id."""
        assert table.app_id == self.next_app_id
        tables = {**self.tables, table.app_id: table}
        return replace(self, next_app_id=self.next_app_id + 1, tables=tables)

    def with_table(self, table: Table) -> "ClusterState":
        """Return the state with a known table replaced."""
        assert table.app_id in self.tables
        return replace(self, tables={**self.tables, table.app_id: table})

    def without(self, app_id: int) -> "ClusterState":
        """Return the state with a table forgotten; its id stays used up."""
        return replace(self, tables={k: v for k, v in self.tables.items() if k != app_id})

    def is_purged(self, app_id: int) -> bool:
        """Tell whether an id surely belonged to a table that is gone for good."""
        is_used = 1 <= app_id < self.next_app_id
        return is_used and app_id not in self.tables and app_id not in self.lost_ids

    def after_restart(self) -> "ClusterState":
        """Return the state with every ballot raised by one.

        A restarted primary must not reuse its ballot: a decree it numbered before the crash may
        have got lost with the unsynced tail, and (decree, ballot) identifies content (A7).
        """
        return replace(
            self,
            tables={
                app_id: replace(table, ballots=tuple(Ballot(each + 1) for each in table.ballots))
                for app_id, table in self.tables.items()
            },
        )
