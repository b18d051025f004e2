"""Tables and configurations out of what replica servers have."""

from dataclasses import replace

import pytest

from pegasus_server.meta.messages import Stored, TableNotice
from pegasus_server.meta.partition import Drop
from pegasus_server.meta.rebuild import BALLOT_GAP, RebuildError, Rebuilt, rebuild
from pegasus_server.meta.table import TableStatus
from pegasus_tab.base.cluster import ReplicaReport, ReplicaStatus
from pegasus_tab.base.ids import Ballot, Decree, Gpid, NodeName

NOW = 1_700_000_000
NOTICE = TableNotice(4, "t", TableStatus.AVAILABLE, 1, 3, {"default_ttl": "5"})
GPID = Gpid(4, 0)


def report(
    node: str,
    ballot: int,
    decree: int,
    *,
    status: ReplicaStatus = ReplicaStatus.INACTIVE,
    suspect: bool = False,
    gpid: Gpid = GPID,
) -> ReplicaReport:
    at = Decree(decree)
    name = NodeName(node)
    return ReplicaReport(
        node=name,
        gpid=gpid,
        status=status,
        ballot=Ballot(ballot),
        durable=at,
        applied=at,
        committed=at,
        prepared=at,
        logged_ballot=Ballot(ballot),
        suspect=suspect,
    )


def stored(*reports: ReplicaReport, notice: TableNotice = NOTICE) -> Stored:
    return Stored(reports[0].node, reports, (notice,))


def rebuilt(*answers: Stored, skip_lost: bool = False) -> Rebuilt:
    return rebuild(answers, NOW, skip_lost=skip_lost)


def best(*reports: ReplicaReport) -> NodeName:
    outcome = rebuilt(*(stored(each) for each in reports))
    return outcome.partitions[GPID].last_members()[0]


def test_the_highest_ballot_then_the_longest_log_is_the_last_member() -> None:
    assert best(report("a", 4, 90), report("b", 5, 80), report("c", 5, 70)) == "b"


@pytest.mark.parametrize(
    "worse",
    [
        report("a", 9, 90, status=ReplicaStatus.LEARNER),
        report("a", 9, 90, status=ReplicaStatus.ERROR),
        report("a", 9, 90, suspect=True),
    ],
    ids=["learner", "broken", "suspect"],
)
def test_what_may_lack_writes_comes_behind_whatever_its_ballot(worse: ReplicaReport) -> None:
    assert best(worse, report("b", 5, 80)) == "b"


def test_ballots_rise_above_all_that_was_ever_given_out() -> None:
    record = rebuilt(stored(report("a", 4, 1)), stored(report("b", 7, 2))).partitions[GPID]
    assert record.config.ballot == 7 + BALLOT_GAP
    assert record.config.members == ()
    assert record.drops == (Drop(NodeName("a"), Ballot(7)), Drop(NodeName("b"), Ballot(8)))


def test_the_table_comes_back_as_its_servers_know_it() -> None:
    outcome = rebuilt(stored(report("a", 4, 1)))
    table = outcome.tables.tables[4]
    assert (table.name, table.status, table.partition_count) == ("t", TableStatus.AVAILABLE, 1)
    assert table.envs == {"default_ttl": "5"}
    assert outcome.tables.next_app_id == 5


def test_a_dropped_table_stays_dropped_and_is_held_from_now_on() -> None:
    dropped = replace(NOTICE, status=TableStatus.DROPPED)
    table = rebuilt(stored(report("a", 4, 1), notice=dropped)).tables.tables[4]
    assert table.status == TableStatus.DROPPED
    assert table.expire_second > NOW


def test_two_tables_of_one_name_are_told_apart() -> None:
    other = replace(NOTICE, app_id=9)
    outcome = rebuilt(
        stored(report("a", 4, 1)),
        stored(report("b", 4, 1, gpid=Gpid(9, 0)), notice=other),
    )
    assert [each.name for each in outcome.tables.tables.values()] == ["t", "t__9"]
    assert outcome.findings == ("two tables are named t; one is t__9 now",)


def test_contradicting_partition_counts_are_refused() -> None:
    other = replace(NOTICE, partition_count=2)
    with pytest.raises(RebuildError, match="1 partitions on one server and 2 on b"):
        rebuilt(stored(report("a", 4, 1)), stored(report("b", 4, 1), notice=other))


def test_a_lost_partition_is_refused_unless_it_may_begin_empty() -> None:
    two = replace(NOTICE, partition_count=2)
    answer = stored(report("a", 4, 1), notice=two)
    with pytest.raises(RebuildError, match=r"4\.1"):
        rebuilt(answer)
    outcome = rebuilt(answer, skip_lost=True)
    assert outcome.partitions[Gpid(4, 1)].is_unborn
    assert outcome.findings == ("partition 4.1 of table t is lost; it begins empty",)


def test_replicas_of_no_known_table_are_left_alone() -> None:
    outcome = rebuilt(stored(report("a", 4, 1), report("a", 2, 1, gpid=Gpid(8, 0))))
    assert outcome.findings == (
        "replicas of 8.0 belong to no table that is known; they are left alone",
    )


def test_an_id_without_a_table_is_never_taken_for_a_purged_one() -> None:
    outcome = rebuilt(stored(report("a", 4, 1), report("a", 2, 1, gpid=Gpid(8, 0))))
    assert outcome.tables.next_app_id == 9
    assert outcome.tables.lost_ids == (1, 2, 3, 5, 6, 7, 8)
    assert not any(outcome.tables.is_purged(app_id) for app_id in range(1, 12))
