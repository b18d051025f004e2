"""Substrait as PyArrow writes it, and bytes that are none."""

import contextlib
import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pegasus_tab.analytics.substrait import (
    OPAQUE,
    Call,
    Condition,
    Constant,
    Field,
    Member,
    Node,
    read_expression,
)

SCHEMA = pa.schema(
    [("a", pa.int64()), ("b", pa.string()), ("d", pa.decimal128(10, 2)), ("f", pa.bool_())]
)
A, B, D, F = (pc.field(name) for name in "abdf")


def read(expression: pc.Expression, schema: pa.Schema = SCHEMA) -> Node:
    return read_expression(bytes(expression.to_substrait(schema)))


@pytest.mark.parametrize(
    ("expression", "node"),
    [
        (A > -5, Call("gt", (Field(0), Constant(-5)))),
        (F & ~(B == 'x"y'), Call("and", (Field(3), Call("not", (Call("equal", (Field(1), Constant('x"y'))),))))),
        (Decimal("-1.50") == D, Call("equal", (Field(2), Constant(Decimal("-1.50"))))),
        (B.is_null(), Call("is_null", (Field(1),))),
        (A.isin([1, None]), Member(Field(0), (Constant(1), Constant(None)))),
        (pc.starts_with(B, "x"), Call("starts_with", (Field(1), Constant("x")))),
        (
            pc.if_else(F, A > 1, pa.scalar(None, pa.bool_())),
            Condition(((Field(3), Call("gt", (Field(0), Constant(1)))),), Constant(None)),
        ),
        (pc.add(A, 1) > 2, Call("gt", (Call("add", (Field(0), Constant(1))), Constant(2)))),
    ],
)  # fmt: skip
def test_reading(expression: pc.Expression, node: Node) -> None:
    assert read(expression) == node


@pytest.mark.parametrize(
    "value",
    [
        pa.scalar(-(1 << 63), pa.int64()),
        pa.scalar(-3, pa.int8()),
        pa.scalar(7, pa.int16()),
        pa.scalar(1.5, pa.float64()),
        pa.scalar(0.25, pa.float32()),
        pa.scalar(b"\0\xff", pa.binary()),
        pa.scalar("", pa.string()),
        pa.scalar(False, pa.bool_()),
        pa.scalar(dt.datetime.fromisoformat("1969-12-31T23:59:59.000005"), pa.timestamp("us")),
        pa.scalar(dt.date(9999, 12, 31), pa.date32()),
        pa.scalar(Decimal(-7), pa.decimal128(38, 0)),
        pa.scalar(None, pa.int32()),
    ],
)
def test_literals(value: pa.Scalar) -> None:
    node = read(pc.field("x") == value, pa.schema([("x", value.type)]))
    assert node == Call("equal", (Field(0), Constant(value.as_py())))


def test_a_date_that_python_has_not_is_opaque() -> None:
    node = read(pc.field("x") == pa.scalar(2**31 - 1, pa.date32()), pa.schema([("x", pa.date32())]))
    assert node == Call("equal", (Field(0), OPAQUE))


@example(b"\x18\x00")
@given(st.binary(max_size=60))
def test_bytes_that_are_no_expression(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        read_expression(data)


WHOLE = bytes(((A > 1) & (B == "text")).to_substrait(SCHEMA))


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_changed_byte_is_harmless(place: int, byte: int) -> None:
    changed = bytearray(WHOLE)
    changed[place] = byte
    found: Any = None
    try:
        found = read_expression(bytes(changed))
    except ValueError:
        return
    assert found is not None
