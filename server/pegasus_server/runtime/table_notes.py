"""What a replica server knows of the tables it holds replicas of, kept for the next start."""

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from pegasus_server.meta.messages import TableNotice
from pegasus_server.meta.table import TableStatus
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.storage.atomic_file import replace_file

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[TableNotice]).decode


class TableNotes:
    """The last TableNotice of every table. Meta repeats them, so a lost note does no harm.

    Args:
        path: the file; its folder must exist. Read at once.
        run_in_background: for writing.

    Attributes:
        tables: by id.
    """

    def __init__(self, path: Path, run_in_background: RunInBackground) -> None:
        self._path = path
        self._run_in_background = run_in_background
        self.tables: dict[int, TableNotice] = {}
        try:
            self.tables = {each.app_id: each for each in _decode(path.read_bytes())}
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError) as error:
            logger.warning("%s is no use: %s; meta will tell again", path, error)

    def take(self, notice: TableNotice) -> bool:
        """Remember what meta tells; False if it is known already."""
        if self.tables.get(notice.app_id) == notice:
            return False
        self.tables[notice.app_id] = notice
        content = _encode(list(self.tables.values()))
        self._run_in_background(
            lambda: replace_file(self._path, content), lambda _: None, _log_failure
        )
        return True

    def envs(self, app_id: int) -> Mapping[str, str]:
        """Return a table's settings, none if it is unknown."""
        notice = self.tables.get(app_id)
        return {} if notice is None else notice.envs

    def is_dropped(self, app_id: int) -> bool:
        """Tell whether a table must not be served."""
        notice = self.tables.get(app_id)
        return notice is not None and notice.status == TableStatus.DROPPED


def _log_failure(error: Exception) -> None:
    logger.warning("what meta told of tables could not be written: %s", error)
