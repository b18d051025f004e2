"""The aligned table and the expanded record, as psql draws them, fast enough for 100,000 rows."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from pegasus_shell.cell import cell_text, is_numeric

WIDTH_SAMPLE_ROWS = 10_000
"""Rows that decide the column widths; later ones stream past, and may stand out if they are wider."""

Row = Sequence[object]


def aligned(names: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of an aligned table, without the row count.

    Args:
        names: column names.
        rows: rows of values; read lazily behind the first WIDTH_SAMPLE_ROWS.
    """
    stream = iter(rows)
    sample = list(islice(stream, WIDTH_SAMPLE_ROWS))
    right = [numeric_column(sample, i) for i in range(len(names))]
    texts = [cells for row in sample for cells in cell_rows(row)]
    widths = [
        max(display_width(name), max((display_width(row[i]) for row in texts), default=0))
        for i, name in enumerate(names)
    ]
    yield line((centred(n, w) for n, w in zip(names, widths, strict=True)))
    yield "+".join("-" * (w + 2) for w in widths)
    pad = [str.rjust if r else str.ljust for r in right]
    later = (cells for row in stream for cells in cell_rows(row))
    for row in chain(texts, later):
        if all(map(str.isascii, row)):
            yield line(p(cell, w) for p, cell, w in zip(pad, row, widths, strict=True))
        else:
            yield line(wide(r, cell, w) for r, cell, w in zip(right, row, widths, strict=True))


def expanded(names: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of one record after the other: a rule, then ``name | value``."""
    width = max(map(display_width, names), default=0)
    for number, row in enumerate(rows, 1):
        rule = f"-[ RECORD {number} ]"
        yield rule.ljust(width + 2, "-") + "+" + "-" * 10
        for name, value in zip(names, row, strict=True):
            yield f"{name}{' ' * (width - display_width(name))} | {cell_text(value)}".rstrip()


def cell_rows(row: Row) -> list[list[str]]:
    """Render one row as the lines it takes on the screen: more than one when a text has several.

    As in psql, ``+`` at the end of a cell says that it goes on below.
    """
    if not any(isinstance(value, str) and "\n" in value for value in row):
        return [[cell_text(value) for value in row]]
    columns = [
        [cell_text(part) for part in value.split("\n")]
        if isinstance(value, str)
        else [cell_text(value)]
        for value in row
    ]
    height = max(map(len, columns))
    for column in columns:
        width = max(map(display_width, column))
        column[:-1] = [part + " " * (width - display_width(part)) + "+" for part in column[:-1]]
        column.extend([""] * (height - len(column)))
    return [list(cells) for cells in zip(*columns, strict=True)]


def line(cells: Iterable[str]) -> str:
    """Join padded cells as psql does: a blank on each side, nothing trailing."""
    return (" " + " | ".join(cells)).rstrip()


def numeric_column(rows: Sequence[Row], index: int) -> bool:
    """Whether a column holds numbers, judged by its first value that is not NULL."""
    return is_numeric(next((row[index] for row in rows if row[index] is not None), None))


def display_width(text: str) -> int:
    """Return how many terminal cells a text takes."""
    if text.isascii():
        return len(text)
    # Costs 10 ms to import, so only those who show such text pay for it.
    from wcwidth import wcswidth

    return max(0, wcswidth(text))


def centred(text: str, width: int) -> str:
    """Centre a heading; the odd blank goes to the right."""
    space = width - display_width(text)
    return " " * (space // 2) + text + " " * (space - space // 2)


def wide(right: bool, text: str, width: int) -> str:
    """Pad a text whose characters may take two cells or none."""
    space = " " * max(0, width - display_width(text))
    return space + text if right else text + space
