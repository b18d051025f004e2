"""Writes evaluated ahead on the overlay give what writes applied one by one give.

This is what makes pipelining right: an INCR or a CHECK_AND_SET evaluated while earlier mutations are
still on their way to the disk must see them.
"""

import hypothesis.strategies as st
from hypothesis import given

from pegasus_server.data import physical_batch
from pegasus_server.data.evaluation import Evaluation
from pegasus_server.data.overlay import Overlay
from pegasus_server.data.writes import WriteRequest, evaluate
from pegasus_tab.base.ids import Decree
from pegasus_tab.wire.codes import CasCheckType, MutateOperation
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages_read import KeyValue
from pegasus_tab.wire.messages_write import (
    CheckAndMutateRequest,
    CheckAndSetRequest,
    IncrRequest,
    MultiPutRequest,
    MultiRemoveRequest,
    Mutate,
    TabPutRowsRequest,
    UpdateRequest,
)
from pegasus_tab.wire.put_rows import encode_rows
from tests.fakes.partition import Partition

SORT_KEYS = st.sampled_from([b"", b"a", b"b"])
KEYS = SORT_KEYS.map(lambda sort_key: encode_key(b"h", sort_key))
VALUES = st.sampled_from([b"", b"1", b"-3", b"text"])
EXPIRIES = st.sampled_from([0, 999, 5000])
CHECKS = st.sampled_from(list(CasCheckType))

REQUESTS = st.one_of(
    st.builds(UpdateRequest, key=KEYS, value=VALUES, expire_ts_seconds=EXPIRIES),
    KEYS,
    st.builds(
        MultiPutRequest,
        hash_key=st.just(b"h"),
        kvs=st.lists(st.builds(KeyValue, key=SORT_KEYS, value=VALUES), max_size=3),
        expire_ts_seconds=EXPIRIES,
    ),
    st.builds(
        TabPutRowsRequest,
        rows=st.lists(st.tuples(KEYS, VALUES), max_size=3).map(
            lambda rows: encode_rows([key for key, _ in rows], [value for _, value in rows])
        ),
        expire_ts_seconds=EXPIRIES,
    ),
    st.builds(
        MultiRemoveRequest, hash_key=st.just(b"h"), sort_keys=st.lists(SORT_KEYS, max_size=3)
    ),
    st.builds(
        IncrRequest,
        key=KEYS,
        increment=st.integers(-2, 2) | st.just(2**63 - 1),
        expire_ts_seconds=st.sampled_from([-1, 0, 5000]),
    ),
    st.builds(
        CheckAndSetRequest,
        hash_key=st.just(b"h"),
        check_sort_key=SORT_KEYS,
        check_type=CHECKS,
        check_operand=VALUES,
        set_diff_sort_key=st.booleans(),
        set_sort_key=SORT_KEYS,
        set_value=VALUES,
        set_expire_ts_seconds=EXPIRIES,
        return_check_value=st.booleans(),
    ),
    st.builds(
        CheckAndMutateRequest,
        hash_key=st.just(b"h"),
        check_sort_key=SORT_KEYS,
        check_type=CHECKS,
        check_operand=VALUES,
        mutate_list=st.lists(
            st.builds(
                Mutate,
                operation=st.sampled_from(list(MutateOperation)),
                sort_key=SORT_KEYS,
                value=VALUES,
            ),
            max_size=3,
        ),
        return_check_value=st.booleans(),
    ),
)


@given(requests=st.lists(REQUESTS, max_size=12), data=st.data())
def test_writes_in_flight_give_what_writes_one_by_one_give(
    requests: list[WriteRequest], data: st.DataObject
) -> None:
    one_by_one, pipelined = Partition(), Partition()
    for partition in (one_by_one, pipelined):
        partition.put(b"h", b"a", b"7", 0)
        partition.put(b"h", b"b", b"8", 999)
    overlay = Overlay(pipelined.engine)
    in_flight: list[Evaluation] = []
    answers = []

    def land() -> None:
        evaluation = in_flight.pop(0)
        body = physical_batch.encode(evaluation.changes)
        decree = pipelined.apply(physical_batch.decode(body))
        overlay.settle(evaluation.changes)
        answers.append(evaluation.respond(decree))

    for request in requests:
        evaluation = evaluate(
            request, overlay, pipelined.identity, pipelined.now, pipelined.timestamp_us, 0
        )
        overlay.prepare(evaluation.changes)
        in_flight.append(evaluation)
        for _ in range(data.draw(st.integers(0, len(in_flight)))):
            land()
    while in_flight:
        land()
    assert answers == [one_by_one.write(request) for request in requests]
    assert pipelined.rows() == one_by_one.rows()
    assert overlay._prepared == {}


@given(
    kept=st.lists(REQUESTS, max_size=4),
    refused=st.lists(REQUESTS, max_size=4),
    after=st.lists(REQUESTS, max_size=4),
)
def test_refused_writes_leave_no_trace(
    kept: list[WriteRequest], refused: list[WriteRequest], after: list[WriteRequest]
) -> None:
    one_by_one, partition = Partition(), Partition()
    overlay = Overlay(partition.engine)

    def prepare(requests: list[WriteRequest]) -> list[Evaluation]:
        evaluations = []
        for request in requests:
            evaluations.append(
                evaluate(
                    request, overlay, partition.identity, partition.now, partition.timestamp_us, 0
                )
            )
            overlay.prepare(evaluations[-1].changes)
        return evaluations

    landing = prepare(kept)
    for evaluation in reversed(prepare(refused)):
        overlay.withdraw(evaluation.changes)
    landing += prepare(after)
    answers = []
    for number, evaluation in enumerate(landing, start=1):
        assert partition.apply(evaluation.changes) == Decree(number)
        overlay.settle(evaluation.changes)
        answers.append(evaluation.respond(Decree(number)))
    assert answers == [one_by_one.write(request) for request in kept + after]
    assert partition.rows() == one_by_one.rows()
