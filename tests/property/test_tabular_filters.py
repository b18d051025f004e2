"""A filter gives one answer, whether on rows, on record batches, or after a trip through JSON."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pegasus_tab.tabular.arrow import decode_batch, filter_mask
from pegasus_tab.tabular.arrow_filter import filter_columns
from pegasus_tab.tabular.filter_json import filter_from_json, filter_to_json
from pegasus_tab.tabular.filter_rows import compile_filter
from pegasus_tab.tabular.like import lower_case, matcher
from pegasus_tab.tabular.row_codec import RowCodec
from pegasus_tab.tabular.schema import Schema
from tests.property.tabular_strategies import (
    TEXTS,
    filters,
    like_patterns,
    rows,
    schemas,
    stored_pairs,
    stored_rows,
)


@given(schemas(), st.data())
def test_rows_and_batches_give_the_same_answers(schema: Schema, data: st.DataObject) -> None:
    codec = RowCodec(schema)
    table = stored_rows(codec, data.draw(st.lists(rows(schema), max_size=4)))
    pairs = stored_pairs(codec, table)
    filter_ = data.draw(filters(schema, table))
    ids = [column.id for column in schema.columns]
    batch = decode_batch(schema, ids, [key for key, _ in pairs], [value for _, value in pairs])
    mask = filter_mask(filter_, schema, dict(zip(ids, batch.columns, strict=True)))
    predicate = compile_filter(filter_, schema)
    assert mask.to_pylist() == [predicate(row) for row in table]
    assert filter_columns(filter_) <= set(ids)


@given(schemas(), st.data())
def test_a_filter_comes_back_from_its_json(schema: Schema, data: st.DataObject) -> None:
    filter_ = data.draw(filters(schema, data.draw(st.lists(rows(schema), max_size=2))))
    text = filter_to_json(filter_, schema)
    assert filter_to_json(filter_from_json(text, schema), schema) == text


@given(TEXTS, like_patterns(), st.booleans())
def test_like_matches_as_its_definition(text: str, pattern: str, ignore_case: bool) -> None:
    fold = lower_case if ignore_case else str
    wanted = like(fold(text), fold(pattern))
    assert matcher(pattern, ignore_case=ignore_case).matches(text) == wanted


def like(text: str, pattern: str) -> bool:
    """LIKE as the standard words it, by trying everything."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return like(text, pattern[1:]) or (bool(text) and like(text[1:], pattern))
    if pattern[0] == "_":
        return bool(text) and like(text[1:], pattern[1:])
    literal, rest = (pattern[1], pattern[2:]) if pattern[0] == "\\" else (pattern[0], pattern[1:])
    return text[:1] == literal and like(text[1:], rest)


def test_lower_case_is_the_columnar_one_for_every_assigned_character() -> None:
    """The two Unicode tables are of different age: characters newer than Python's are left out."""
    import unicodedata

    characters = [
        chr(code)
        for code in range(0x110000)
        if not 0xD800 <= code < 0xE000 and unicodedata.category(chr(code)) != "Cn"
    ]
    lowered = pa.compute.utf8_lower(pa.array(characters)).to_pylist()
    differing = [
        hex(ord(character))
        for character, other in zip(characters, lowered, strict=True)
        if lower_case(character) != other
    ]
    assert differing == []
