"""Which files, and which rows of the one begun, are in the table: what a further run leaves out."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.export.errors import TargetError
from pegasus_tab.load.files import SourceFile

FORMAT: Final = 1


@dataclass(slots=True)
class FileState:
    """How far a file is.

    Attributes:
        bytes: its size when it was begun.
        version: see ``SourceFile``.
        rows: so many of its first rows are written or rejected.
        done: all of them are.
        tried: so many of its first rows may be written: the writing of those behind ``rows`` had begun.
            Kept only where that makes a difference, see ``RowInserter``.
    """

    bytes: int
    version: str
    rows: int = 0
    done: bool = False
    tried: int = 0

    def __post_init__(self) -> None:
        """Refuse what no state file holds; raises TypeError."""
        numbers = self.bytes, self.rows, self.tried
        if {*map(type, numbers)} != {int} or type(self.done) is not bool:
            raise TypeError(f"bytes, rows, tried {numbers!r}, done {self.done!r}")


@dataclass(slots=True)
class LoadState:
    """The state of one load, kept in a local file that is replaced whole.

    Attributes:
        path: None to keep nothing.
        table: name and id of the table; a state is good for no other.
        files: by name.
    """

    path: str | None
    table: str
    files: dict[str, FileState] = field(default_factory=dict)

    def begun(self, file: SourceFile) -> FileState:
        """Return how far a file is; one that was written anew since begins from its start."""
        known = self.files.get(file.name)
        if known is None or (known.bytes, known.version) != (file.bytes, file.version):
            known = self.files[file.name] = FileState(file.bytes, file.version)
        return known

    def save(self) -> None:
        """Write the file; the old one stays whole until the new one is.

        Raises:
            TargetError: it cannot be written.
        """
        if self.path is None:
            return
        content = {
            "format": FORMAT,
            "table": self.table,
            "files": {name: asdict(state) for name, state in self.files.items()},
        }
        temporary = Path(f"{self.path}.new")
        try:
            with temporary.open("w") as stream:
                stream.write(json.dumps(content, indent=1))
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(self.path)
        except OSError as error:
            raise TargetError(
                f"state file {self.path} cannot be written: {error.strerror}"
            ) from error


def open_state(path: str | None, table: str) -> LoadState:
    """Read a state file; a missing one is an empty state.

    Raises:
        ProgrammingError: it is none, or that of another table.
        TargetError: it cannot be read.
    """
    if path is None or not Path(path).exists():
        return LoadState(path, table)
    try:
        content: Any = json.loads(Path(path).read_bytes())
        if content["format"] != FORMAT:
            raise _not_a_state(path, f"format {content['format']!r}, not {FORMAT}")
        files = {str(name): FileState(**entry) for name, entry in content["files"].items()}
        found = str(content["table"])
    except OSError as error:
        raise TargetError(f"state file {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_a_state(path, f"{type(error).__name__} {error}") from error
    if found != table:
        raise ProgrammingError(
            f"state file {path} is of a load into table {found}, not {table}",
            sqlstate="22023",
            hint="name another state file; one is good for one table",
        )
    return LoadState(path, table, files)


def _not_a_state(path: str, reason: str) -> ProgrammingError:
    return ProgrammingError(
        f"{path} is not a state file of COPY: {reason}",
        sqlstate="22023",
        hint="name a file that does not exist yet",
    )
