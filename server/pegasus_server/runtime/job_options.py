"""Options of a job as clients give them, JSON: checked here, so that no server meets any other."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from pegasus_tab.base.limits import KIB

OPTIONS_BYTES_MAX = 64 * KIB
_Rate = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class ExportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of an export.

    Attributes:
        target: URL of the folder to write to.
        format: of the files.
        ddl: the statement that makes such a table.
        bytes_per_second: limit of each server; 0 for none.
    """

    target: str
    format: Literal["parquet", "csv", "arrow"] = "parquet"
    ddl: str = ""
    bytes_per_second: _Rate = 0


class BackupOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a backup.

    Attributes:
        target: URL of the folder to write to.
        ddl: the statement that makes such a table.
        bytes_per_second: limit of each server; 0 for none.
        full: continue no earlier backup.
        format: of the files.
    """

    target: str
    ddl: str = ""
    bytes_per_second: _Rate = 0
    full: bool = False
    format: Literal["parquet"] = "parquet"


class RestoreOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a restore.

    Attributes:
        target: URL of the folder with the backups.
        source: the table that was backed up.
        at: id of the backup.
        name: of the table at the end.
        bytes_per_second: limit of each server; 0 for none.
    """

    target: str
    source: str
    at: str
    name: str
    bytes_per_second: _Rate = 0


_KINDS: Mapping[str, msgspec.json.Decoder[Any]] = {
    "export": msgspec.json.Decoder(ExportOptions),
    "backup": msgspec.json.Decoder(BackupOptions),
    "restore": msgspec.json.Decoder(RestoreOptions),
}


class BadOptionsError(Exception):
    """No such job can be done; the text says why."""


def job_options(kind: str, text: str) -> dict[str, Any]:
    """Read a client's options.

    Args:
        kind: of the job.
        text: JSON.

    Returns:
        Every option of the kind, with defaults for those that were not given.

    Raises:
        BadOptionsError: there is no such kind, or these are no options of it.
    """
    decoder = _KINDS.get(kind)
    if decoder is None:
        raise BadOptionsError(f"there are no jobs of kind {kind[:80]!r}")
    if len(text) > OPTIONS_BYTES_MAX:
        raise BadOptionsError(f"options of {len(text)} characters, limit is {OPTIONS_BYTES_MAX}")
    try:
        return msgspec.structs.asdict(decoder.decode(text))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadOptionsError(f"options of a job of kind {kind}: {error}") from error
