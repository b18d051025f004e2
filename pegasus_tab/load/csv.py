"""CSV files as record batches of text, so that one bad value rejects one row and not the file."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv

from pegasus_tab.base.limits import MIB
from pegasus_tab.load.errors import BadFile
from pegasus_tab.load.files import SourceFile
from pegasus_tab.load.magic import check_format
from pegasus_tab.load.reader import Skipped, after, reading, rebatched
from pegasus_tab.load.text_stream import WithTail, unpacked

WHAT = "CSV"
_BLOCK_BYTES = 1 * MIB
_END: Final = b"\x03end of the file\x03"
"""Every value of a row put behind the last: an open quote would swallow it, and pyarrow says nothing."""
_SHOWN_CHARACTERS_MAX = 200


def delimiter_of(name: str) -> str:
    """Return what stands between values in a file of some name, unless a statement says otherwise."""
    return "\t" if ".tsv" in PurePosixPath(name.lower()).suffixes[-2:] else ","


class CsvReader:
    """See ``Reader``; every column is binary, NULL where the file says so.

    Args:
        file: the file; see ``unpacked`` for compressed ones.
        header: whether its first line names the columns.
        names: the columns when it does not.
        delimiter: between values.
        null: what stands for NULL, unless it is quoted.
        quote: around values that hold delimiters or line ends; empty for none.

    Raises:
        BadFile: it has no header, or that is longer than one block.
    """

    def __init__(
        self,
        file: SourceFile,
        *,
        header: bool,
        names: Sequence[str],
        delimiter: str,
        null: str,
        quote: str,
    ) -> None:
        self._file = file
        self._header = header
        self._parse: dict[str, Any] = {
            "delimiter": delimiter,
            "quote_char": quote or False,
            "newlines_in_values": bool(quote),
        }
        self._null = null
        self._skipped: list[Skipped] = []
        self._missing: list[int] = []
        self._first = 0
        self._stream = file.open()
        self.rows: int | None = None
        try:
            with reading(file, WHAT):
                check_format(file, self._stream, "csv")
                found = self._header_names() if header else list(names)
                self.schema = pa.schema([(name, pa.binary()) for name in found])
        except BaseException:
            self._stream.close()
            raise

    def _header_names(self) -> list[str]:
        reader = pacsv.open_csv(
            self._bytes(b"\n"),
            read_options=pacsv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            parse_options=pacsv.ParseOptions(
                **self._parse, invalid_row_handler=lambda _row: "skip"
            ),
        )
        return list(reader.schema.names)

    def _bytes(self, tail: bytes) -> WithTail:
        self._stream.seek(0)
        return WithTail(unpacked(self._file, self._stream), tail)

    def batches(self, columns: Sequence[str], first: int) -> Iterator[pa.RecordBatch]:
        """See ``Reader``; earlier rows are read over."""
        self._first = first
        end = self._parse["delimiter"].encode().join([_END] * len(self.schema))
        with reading(self._file, WHAT):
            reader = pacsv.open_csv(
                self._bytes(b"\n" + end + b"\n"),
                read_options=pacsv.ReadOptions(
                    block_size=_BLOCK_BYTES,
                    use_threads=False,
                    column_names=None if self._header else self.schema.names,
                ),
                parse_options=pacsv.ParseOptions(**self._parse, invalid_row_handler=self._skip),
                convert_options=pacsv.ConvertOptions(
                    column_types=self.schema,
                    include_columns=list(columns),
                    null_values=[self._null],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
            yield from rebatched(after(self._up_to_end(iter(reader)), first))

    def _up_to_end(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Leave out the last row, which must be ours."""
        last: pa.RecordBatch | None = None
        for batch in batches:
            if not batch.num_rows:
                continue
            if last is not None:
                yield last
            last = batch
        if last is None or last.column(0)[-1].as_py() != _END:
            raise BadFile(
                f"{self._file.name} ends within a value: a quote is not closed",
                hint="check that it is a whole CSV file; QUOTE says which character quotes",
            )
        yield last.slice(0, last.num_rows - 1)

    def _skip(self, row: Any) -> str:
        number = row.number - (1 if self._header else 0)
        sound = number - 1 - len(self._missing)
        self._missing.append(number)
        if sound < self._first:
            return "skip"  # an earlier run has said so
        text = row.text[:_SHOWN_CHARACTERS_MAX]
        fault = f"{row.actual_columns} values, not {row.expected_columns}: {text!r}"
        self._skipped.append((number, fault))
        return "skip"

    def take_skipped(self) -> list[Skipped]:
        """See ``Reader``."""
        taken, self._skipped = self._skipped, []
        return taken

    def number(self, row: int) -> int:
        """See ``Reader``; rows that were skipped count."""
        number = row + 1
        for missing in self._missing:
            if missing > number:
                break
            number += 1
        return number

    def read_fraction(self) -> float:
        """See ``Reader``."""
        return min(1.0, self._stream.tell() / max(1, self._file.bytes))

    def close(self) -> None:
        """See ``Reader``."""
        self._stream.close()
