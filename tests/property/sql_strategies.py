"""Random SQL over the ``events`` table of tests/fakes/sql_catalog.py: expressions as text, and rows."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

INTEGERS = ("user_id", "seq", "age")
TEXTS = ("name", "attrs['x']", "attrs['y']")
NUMBERS = (*INTEGERS, "score", "price", "counts['n']")

_MOMENTS = tuple(datetime.fromisoformat(f"2024-01-0{day}") for day in (1, 2, 3))


def row_values() -> st.SearchStrategy[dict[str, Any]]:
    """Rows of ``events`` by column name, from few values, so that predicates hit."""
    small = st.integers(-2, 4)
    text = st.sampled_from(["", "a", "ab", "b", "A", "a%", "a_b"])
    return st.fixed_dictionaries(
        {
            "user_id": small,
            "at": st.sampled_from(_MOMENTS),
            "seq": small,
            "name": st.none() | text,
            "age": st.none() | small,
            "score": st.none() | st.sampled_from([-1.5, 0.0, 0.5, 1.0, 2.0]),
            "price": st.none()
            | st.sampled_from([Decimal("0.00"), Decimal("1.50"), Decimal("-2.25")]),
            "ok": st.none() | st.booleans(),
            "day": st.none(),
            "tag": st.none(),
            "body": st.none(),
            "attrs": st.none()
            | st.dictionaries(st.sampled_from(["x", "y"]), text, min_size=1, max_size=2),
            "counts": st.none() | st.dictionaries(st.just("n"), small, min_size=1),
        }
    )


def number_literals() -> st.SearchStrategy[str]:
    """Numbers, among them some that an INT or a DECIMAL(10, 2) cannot hold."""
    return st.sampled_from(
        ["-2", "-1", "0", "1", "2", "3", "1.5", "0.5", "-2.25", "1.005", "3000000000", "NULL"]
    )


def text_literals() -> st.SearchStrategy[str]:
    """Quoted texts."""
    return st.sampled_from(["''", "'a'", "'ab'", "'b'", "'A'", "'it''s'", "NULL"])


def moments() -> st.SearchStrategy[str]:
    """Quoted timestamps."""
    return st.sampled_from(["'2024-01-01'", "'2024-01-02 00:00:00'", "'2024-01-02 12:00'", "NULL"])


def numbers(depth: int = 1) -> st.SearchStrategy[str]:
    """Number expressions that cannot fail."""
    leaves = st.sampled_from(NUMBERS) | number_literals().filter(lambda one: one != "NULL")
    if depth == 0:
        return leaves
    inner = numbers(depth - 1)
    return st.one_of(
        leaves,
        st.tuples(inner, st.sampled_from("+-*"), inner).map(
            lambda one: f"({one[0]} {one[1]} {one[2]})"
        ),
        inner.map(lambda one: f"abs({one})"),
        st.tuples(inner, inner).map(lambda one: f"coalesce({one[0]}, {one[1]})"),
        st.tuples(inner, inner).map(lambda one: f"greatest({one[0]}, {one[1]})"),
        st.tuples(predicates(0), inner, inner).map(
            lambda one: f"CASE WHEN {one[0]} THEN {one[1]} ELSE {one[2]} END"
        ),
    )


def texts(depth: int = 1) -> st.SearchStrategy[str]:
    """Text expressions that cannot fail."""
    leaves = st.sampled_from(TEXTS) | text_literals().filter(lambda one: one != "NULL")
    if depth == 0:
        return leaves
    inner = texts(depth - 1)
    return st.one_of(
        leaves,
        st.tuples(st.sampled_from(["upper", "lower", "trim", "reverse"]), inner).map(
            lambda one: f"{one[0]}({one[1]})"
        ),
        st.tuples(inner, inner).map(lambda one: f"({one[0]} || {one[1]})"),
        st.tuples(inner, st.integers(-2, 3), st.integers(0, 3)).map(
            lambda one: f"substr({one[0]}, {one[1]}, {one[2]})"
        ),
        st.tuples(inner, inner).map(lambda one: f"replace({one[0]}, 'a', {one[1]})"),
        st.tuples(inner, inner).map(lambda one: f"nullif({one[0]}, {one[1]})"),
    )


_COMPARISONS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])


def simple_predicates() -> st.SearchStrategy[str]:
    """Predicates of one column with literals: what seeks and filters are made of."""
    number, text, moment = number_literals(), text_literals(), moments()
    columns = st.sampled_from((*INTEGERS, "score", "price"))
    negation = st.sampled_from(["", "NOT "])
    return st.one_of(
        st.tuples(columns, _COMPARISONS, number).map(" ".join),
        st.tuples(number, _COMPARISONS, columns).map(" ".join),
        st.tuples(columns, st.lists(number, min_size=1, max_size=3)).map(
            lambda one: f"{one[0]} IN ({', '.join(one[1])})"
        ),
        st.tuples(columns, negation, number, number).map(
            lambda one: f"{one[0]} {one[1]}BETWEEN {one[2]} AND {one[3]}"
        ),
        st.tuples(st.just("at"), _COMPARISONS, moment).map(" ".join),
        st.tuples(st.just("name"), _COMPARISONS, text).map(" ".join),
        st.tuples(
            st.just("name"),
            st.sampled_from(["LIKE", "ILIKE", "NOT LIKE"]),
            st.sampled_from(["'a%'", "'%b'", "'a_'", "'a\\%'", "'ab'", "'%'"]),
        ).map(" ".join),
        st.tuples(
            st.sampled_from(["name", "age", "score", "ok", "seq"]),
            st.sampled_from(["IS NULL", "IS NOT NULL"]),
        ).map(" ".join),
        st.sampled_from(["ok", "NOT ok", "ok IS TRUE", "ok IS NOT TRUE", "TRUE", "FALSE", "NULL"]),
        st.tuples(number, number).map(lambda one: f"(at, seq) > ('2024-01-02', {one[0]})"),
    )


def predicates(depth: int = 2) -> st.SearchStrategy[str]:
    """Predicates over ``events``, three-valued logic and all."""
    if depth == 0:
        return simple_predicates()
    inner = predicates(depth - 1)
    deeper = st.one_of(
        st.tuples(inner, inner).map(lambda one: f"({one[0]} AND {one[1]})"),
        st.tuples(inner, inner).map(lambda one: f"({one[0]} OR {one[1]})"),
        inner.map(lambda one: f"NOT ({one})"),
        st.tuples(numbers(), _COMPARISONS, numbers()).map(" ".join),
        st.tuples(texts(), _COMPARISONS, texts()).map(" ".join),
        st.tuples(numbers(0), st.sampled_from(["IS", "IS NOT"]), numbers(0)).map(
            lambda one: f"{one[0]} {one[1]} DISTINCT FROM {one[2]}"
        ),
    )
    return simple_predicates() | deeper


def key_predicates() -> st.SearchStrategy[str]:
    """Conjunctions that often name whole keys or ranges of them."""
    number, moment = st.sampled_from(["-1", "0", "1", "2", "1.5"]), moments()
    part = st.one_of(
        number.map(lambda one: f"user_id = {one}"),
        st.lists(number, min_size=1, max_size=3).map(lambda one: f"user_id IN ({', '.join(one)})"),
        st.tuples(st.just("at"), _COMPARISONS, moment).map(" ".join),
        st.tuples(st.just("seq"), _COMPARISONS, number).map(" ".join),
        st.lists(number, min_size=1, max_size=3).map(lambda one: f"seq IN ({', '.join(one)})"),
        st.tuples(number, number).map(lambda one: f"user_id = {one[0]} OR user_id = {one[1]}"),
        predicates(1),
    )
    return st.lists(part, min_size=1, max_size=5).map(
        lambda parts: " AND ".join(f"({part})" for part in parts)
    )
