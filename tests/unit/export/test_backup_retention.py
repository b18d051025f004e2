"""Which backups may go: never one that is kept, or that a kept one continues."""

import hypothesis.strategies as st
from hypothesis import given

from pegasus_tab.export.backup_chain import CONTINUES, Backup
from pegasus_tab.export.backup_retention import superseded
from pegasus_tab.export.layout import Archive
from pegasus_tab.export.manifest import Description, Success


def backup(number: int, continues: str) -> Backup:
    id_ = f"{number:04}"
    description = Description(
        table="t",
        app_id=1,
        partitions=1,
        kind="backup",
        file_format="parquet",
        schema="",
        schema_version=0,
        ddl="",
        created=0,
        version="",
        facts={CONTINUES: continues},
    )
    return Backup(
        Archive("t", "backup", id_), description, Success("t", id_, "backup", 0, 0, 0, "", 0)
    )


def history(fulls: list[bool]) -> list[Backup]:
    made: list[Backup] = []
    for number, is_full in enumerate(fulls):
        made.append(backup(number, "" if is_full or not made else made[-1].archive.id))
    return made


def ids(backups: list[Backup]) -> list[str]:
    return [each.archive.id for each in backups]


def test_whole_chains_go() -> None:
    known = history([True, False, False, True, False])
    assert superseded(known, 3) == []
    assert ids(superseded(known, 2)) == ["0002", "0001", "0000"]
    assert ids(superseded(known[:4], 1)) == ["0002", "0001", "0000"]
    assert superseded([], 3) == []


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(1, 8))
def test_what_is_kept_can_be_restored_at_every_moment(fulls: list[bool], keep: int) -> None:
    known = history(fulls)
    gone = superseded(known, keep)
    assert not {*ids(gone)} & {*ids(known[-keep:])}
    left = {each.archive.id: each for each in known}
    for each in gone:
        del left[each.archive.id]
        assert all(one.continues in left or not one.continues for one in left.values())


@given(st.integers(1, 8), st.integers(1, 40))
def test_a_policy_stores_less_than_twice_what_it_keeps(keep: int, rounds: int) -> None:
    known: list[Backup] = []
    chain = 0
    for number in range(rounds):
        is_full = chain in {0, keep}
        chain = 1 if is_full else chain + 1
        known.append(backup(number, "" if is_full else known[-1].archive.id))
        gone = {*ids(superseded(known, keep))}
        known = [each for each in known if each.archive.id not in gone]
        assert min(keep, number + 1) <= len(known) < 2 * keep
