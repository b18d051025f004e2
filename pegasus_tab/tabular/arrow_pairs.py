"""Stored key-value pairs of one batch: keys, user data and expiries side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pegasus_tab.base.errors import InternalError
from pegasus_tab.tabular.arrow_bytes import ByteRows, Mask, byte_rows, records

VALUE_HEADER_BYTES = 12
"""u32 expiry and u64 timetag before the user data, data version 1 (protocol reference 5.2)."""

Expiries = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class PairRows:
    """Pairs in ascending key order.

    Attributes:
        keys: whole keys (u16 hash key length, hash key, sort key).
        values: user data without header.
        expiries: seconds since 2016-01-01 UTC, 0 for never.
    """

    keys: ByteRows
    values: ByteRows
    expiries: Expiries

    def select(self, rows: npt.NDArray[np.int64] | Mask) -> "PairRows":
        """Return some of the pairs, given by ascending numbers or a mask."""
        return PairRows(self.keys.select(rows), self.values.select(rows), self.expiries[rows])

    def living(self, now: int) -> "PairRows":
        """Return the pairs that are not expired at ``now`` (protocol reference 5.2)."""
        alive = (self.expiries == 0) | (self.expiries > now)
        return self if alive.all() else self.select(alive)


def pair_rows(
    keys: Sequence[bytes],
    values: Sequence[bytes],
    expiries: Sequence[int] | None,
    header_bytes: int,
) -> PairRows:
    """Join the pairs' bytes; see ``decode_batch`` for the arguments.

    Raises:
        InternalError: a value is shorter than its header.
        DataError: over 2 GiB of bytes.
    """
    assert header_bytes in {0, VALUE_HEADER_BYTES}
    stored = byte_rows(values)
    if not header_bytes:
        found = np.zeros(len(keys), np.uint32) if expiries is None else np.array(expiries, "u4")
        return PairRows(byte_rows(keys), stored, found)
    if stored.shorter_than(header_bytes):
        raise InternalError(
            f"a stored value is shorter than its header of {header_bytes} bytes", sqlstate="XX001"
        )
    found = records(stored.buffer, stored.starts, ">u4").astype(np.uint32)
    return PairRows(byte_rows(keys), stored.skip(header_bytes), found)
