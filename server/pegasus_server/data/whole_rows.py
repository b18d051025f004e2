"""Bounded stretches of key-value pairs that end where a row ends (DESIGN.md 2: a row may be several pairs)."""

from typing import NamedTuple

from pegasus_server.storage.engine import Engine
from pegasus_tab.base.limits import MIB
from pegasus_tab.tabular.raw_codec import RawCodec
from pegasus_tab.tabular.row_codec import RowCodec
from pegasus_tab.wire.keys import decode_key, encode_key, next_key

ROW_BYTES_MAX = 32 * MIB
"""A row with its cells must fit in one reply."""
ROW_PAIRS_MAX = 1_000_000


class RowTooLarge(Exception):  # noqa: N818 -- says what is the case
    """One row has more pairs or bytes than fit in one reply."""


class Stretch(NamedTuple):
    """Pairs of whole rows.

    Attributes:
        keys: ascending.
        stored: their stored values.
        resume_key: where the next row begins, None when the range is exhausted.
    """

    keys: list[bytes]
    stored: list[bytes]
    resume_key: bytes | None


def read_stretch(
    engine: Engine,
    codec: RowCodec | RawCodec,
    lower: bytes,
    upper: bytes,
    pairs_max: int,
    bytes_max: int,
) -> Stretch:
    """Read pairs up to a limit, then forget those of the row that the limit cut.

    Args:
        engine: the pairs.
        codec: of the table.
        lower: where a row begins, inclusive.
        upper: end of the range, exclusive.
        pairs_max: pairs to read, >= 1; more only if the first row alone has more.
        bytes_max: likewise bytes.

    Returns:
        The pairs of at least one whole row, unless the range holds none.

    Raises:
        RowTooLarge: the first row does not fit in one reply.
        InternalError: a key is none of this table.
        EngineDamaged: the engine failed.
    """
    keys, stored, exhausted = engine.scan_chunk(lower, upper, pairs_max, bytes_max)
    if exhausted:
        return Stretch(keys, stored, None)
    if codec.plain:
        return Stretch(keys, stored, keys[-1] + b"\0")
    whole = codec.whole_rows(keys)
    if whole:
        return Stretch(keys[:whole], stored[:whole], keys[whole])
    return _one_row(engine, codec, keys[0], upper)


def _one_row(engine: Engine, codec: RowCodec | RawCodec, key: bytes, upper: bytes) -> Stretch:
    """Read all pairs of the row that a key belongs to."""
    hash_key, sort_key = decode_key(key)
    row_key = encode_key(hash_key, codec.row_key(sort_key))
    row_end = next_key(row_key)
    keys, stored, exhausted = engine.scan_chunk(
        key, min(row_end, upper), ROW_PAIRS_MAX, ROW_BYTES_MAX
    )
    if not exhausted:
        raise RowTooLarge(
            f"the row at key {row_key[:64].hex()} has over {ROW_PAIRS_MAX} pairs or {ROW_BYTES_MAX}"
            " bytes; read its MAP columns cell by cell"
        )
    return Stretch(keys, stored, row_end if row_end < upper else None)
