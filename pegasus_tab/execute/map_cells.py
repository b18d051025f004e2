"""Replacing a MAP: which cells to write and which to remove."""

from typing import Any

from pegasus_tab.tabular.row_codec import Pair, RowCodec
from pegasus_tab.tabular.schema import Column
from pegasus_tab.tabular.value import coerce_column


def map_changes(
    codec: RowCodec, sort_key: bytes, column: Column, old: Any, new: Any
) -> tuple[list[Pair], list[bytes]]:
    """Return what makes a row's MAP hold ``new`` alone.

    Args:
        codec: of the row's table.
        sort_key: the row's family 0 sort key.
        column: the MAP column.
        old: its cells as read, None for none.
        new: the cells wanted, in any form the type accepts, None for none.

    Returns:
        Pairs to write, and sort keys to remove.

    Raises:
        DataError: ``new`` is no MAP of the column's type.
    """
    cells: Any = coerce_column(column, new) or {}
    added = [
        (codec.cell_key(sort_key, column.id, key), codec.encode_cell(column.id, value))
        for key, value in cells.items()
    ]
    removed = [codec.cell_key(sort_key, column.id, key) for key in old or () if key not in cells]
    return added, removed
