"""Record batches to key-value pairs, the rows that do not fit taken out one by one.

The encoder judges a batch as a whole. When it refuses one, the batch is halved until the rows at
fault stand alone; so the reason a row is given is the encoder's own.
"""

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa

from pegasus_tab.base.errors import DataError, Error, IntegrityError
from pegasus_tab.load.row_limit import check_rows_fit
from pegasus_tab.tabular.arrow_encode import encode_arrays
from pegasus_tab.tabular.arrow_encoded import EncodedArrays
from pegasus_tab.tabular.schema import Schema

Reject = Callable[[int, Error], None]
"""Told the row of the batch and what is wrong with it."""


class Sifted(NamedTuple):
    """Rows that fit.

    Attributes:
        first: number of the first one in the batch they were in.
        batch: the rows.
        pairs: their pairs, in one or more parts.
    """

    first: int
    batch: pa.RecordBatch
    pairs: list[EncodedArrays]


def sift(
    schema: Schema, batch: pa.RecordBatch, reject: Reject, *, whole: bool = False
) -> list[Sifted]:
    """Encode the rows that fit, in order.

    Args:
        schema: the table's.
        batch: columns are matched by name, see ``encode_batch``.
        reject: called for each row that does not fit; what it raises ends the sifting.
        whole: see ``check_rows_fit``.
    """
    found: list[Sifted] = []
    waiting = [(0, batch)]
    while waiting:
        first, part = waiting.pop()
        try:
            pairs = encode_arrays(schema, part)
            check_rows_fit(pairs, whole=whole)
        except (DataError, IntegrityError) as error:
            if part.num_rows == 1:
                reject(first, error)
                continue
            half = part.num_rows // 2
            waiting.append((first + half, part.slice(half)))
            waiting.append((first, part.slice(0, half)))
        else:
            found.append(Sifted(first, part, pairs))
    return found
