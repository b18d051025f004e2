"""Where a meta server keeps backup policies: one JSON record, here in a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from pegasus_server.meta.policies.policy import StoredPolicies
from pegasus_server.runtime.background import RunInBackground
from pegasus_server.storage.atomic_file import replace_file

encode_policies = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(StoredPolicies).decode

Failed = Callable[[str], None]


class PolicyStore(Protocol):
    """Keeps policies; every call ends in exactly one of its two functions."""

    def load(self, done: Callable[[StoredPolicies], None], failed: Failed) -> None:
        """Read all policies."""

    def save(self, stored: StoredPolicies, done: Callable[[], None], failed: Failed) -> None:
        """Write all policies in place of what is stored; failed: it may or may not be there."""


class DamagedPoliciesError(Exception):
    """What is stored is not what was written; backups that stop silently would be worse."""


def decode_policies(content: bytes, where: object) -> StoredPolicies:
    """Read the record; raises DamagedPoliciesError."""
    try:
        return _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, AssertionError) as error:
        raise DamagedPoliciesError(f"{where} is damaged; restore or remove it: {error}") from error


class PolicyStoreFile:
    """Policies as a file, replaced in one step.

    Args:
        path: the file; its folder must exist by the time it is written.
        run_in_background: for reading and writing; runs in order.
    """

    def __init__(self, path: Path, run_in_background: RunInBackground) -> None:
        self._path = path
        self._run_in_background = run_in_background

    def load(self, done: Callable[[StoredPolicies], None], failed: Failed) -> None:
        """Read all policies."""
        self._run_in_background(self._load, done, lambda error: failed(str(error)))

    def _load(self) -> StoredPolicies:
        if not self._path.exists():
            return StoredPolicies()
        return decode_policies(self._path.read_bytes(), self._path)

    def save(self, stored: StoredPolicies, done: Callable[[], None], failed: Failed) -> None:
        """Write all policies."""
        content = encode_policies(stored)
        self._run_in_background(
            lambda: replace_file(self._path, content),
            lambda _: done(),
            lambda error: failed(str(error)),
        )
