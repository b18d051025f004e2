"""Meta's store on a node of its own: one JSON file, replaced in one step."""

from pathlib import Path

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.state_json import StateDamagedError, decode_state, encode_state
from pegasus_server.runtime.startup_fault import EXIT_BAD_FOLDER, StartupFault
from pegasus_server.storage.atomic_file import replace_file


class MetaStoreFile:
    """Keeps the cluster state in a file.

    Args:
        path: the file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> ClusterState | None:
        """Read the state back, None when there is none yet.

        Raises:
            StartupFault: the file is damaged or of a newer version.
        """
        try:
            return decode_state(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (StateDamagedError, UnicodeDecodeError, OSError) as error:
            raise StartupFault(
                EXIT_BAD_FOLDER,
                f"{self._path} cannot be used: {error}; restore it from a copy, the tables' data "
                "is untouched",
            ) from error

    def save(self, state: ClusterState) -> None:
        """Write the state durably. Blocks on the disk.

        Raises:
            OSError: the disk refused; the old state is still there.
        """
        replace_file(self._path, encode_state(state).encode())
