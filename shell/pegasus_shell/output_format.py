"""The output formats by name: rows to lines of text."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from pegasus_shell.aligned import Row, aligned, expanded
from pegasus_shell.cell import cell_text, json_value

Format = Callable[[Sequence[str], Iterable[Row]], Iterator[str]]


class LineBuffer:
    """A file object for the csv module that hands each row out as one line."""

    def __init__(self) -> None:
        self.line = ""

    def write(self, text: str) -> None:
        """Keep what the csv module writes: one whole row, without the end of the line."""
        self.line = text[:-1]


def delimited(delimiter: str) -> Format:
    """Return the CSV (comma) or TSV (tab) format: a header, NULL as nothing, quotes where needed."""

    def lines(names: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
        buffer = LineBuffer()
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
        writer.writerow(names)
        yield buffer.line
        for row in rows:
            writer.writerow([exact_text(value) for value in row])
            yield buffer.line

    return lines


def exact_text(value: object) -> str:
    """Render a value for a file: as on the screen, but text stays byte for byte."""
    return value if isinstance(value, str) else cell_text(value, null="")


def json_lines(names: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield one JSON object a row."""
    for row in rows:
        record = dict(zip(names, row, strict=True))
        yield json.dumps(record, default=json_value, ensure_ascii=False)


def json_array(names: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Yield one JSON array of objects, a row a line."""
    previous: str | None = None
    yield "["
    for text in json_lines(names, rows):
        if previous is not None:
            yield previous + ","
        previous = text
    if previous is not None:
        yield previous
    yield "]"


FORMATS: dict[str, Format] = {
    "aligned": aligned,
    "expanded": expanded,
    "csv": delimited(","),
    "tsv": delimited("\t"),
    "json": json_array,
    "jsonl": json_lines,
}
