"""A filesystem on a local folder that fails at a chosen call, in a chosen way."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import fsspec
from fsspec.implementations.local import LocalFileSystem

Way = Literal["refuses", "lies", "dies"]
"""``refuses``: an error, and nothing happened. ``lies``: it happened, and then an error (a lost answer).
``dies``: the process is gone, before anything happened."""
WAYS: tuple[Way, ...] = ("refuses", "lies", "dies")


class Died(BaseException):
    """Nothing catches this, as nothing catches kill -9."""


class Faults:
    """Counts calls and fails one of them.

    Attributes:
        calls: made so far, by name.
        at: number of the call that fails, from 1; 0 for none.
        way: how.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.at = 0
        self.way: Way = "refuses"

    def begin(self, at: int = 0, way: Way = "refuses") -> None:
        self.calls, self.at, self.way = [], at, way

    def call(self, name: str, work: Callable[[], Any]) -> Any:
        self.calls.append(name)
        if len(self.calls) != self.at:
            return work()
        if self.way == "dies":
            raise Died
        if self.way == "lies":
            work()
        raise OSError(5, f"call {self.at}, {name}, fails")


class FaultyStream:
    """A stream each of whose calls can fail; a refused write leaves half of its bytes."""

    def __init__(self, stream: Any, faults: Faults, name: str) -> None:
        self._stream = stream
        self._faults = faults
        self._name = name

    def readable(self) -> bool:
        return bool(self._stream.readable())

    def writable(self) -> bool:
        return bool(self._stream.writable())

    def seekable(self) -> bool:
        return bool(self._stream.seekable())

    def tell(self) -> int:
        return int(self._stream.tell())

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._stream.seek(offset, whence))

    def read(self, size: int) -> bytes:
        content: bytes = self._faults.call(f"read {self._name}", lambda: self._stream.read(size))
        return content

    def write(self, data: bytes) -> int:
        try:
            self._faults.call(f"write {self._name}", lambda: self._stream.write(data))
        except OSError:
            self._stream.write(data[: len(data) // 2])
            raise
        return len(data)

    def close(self) -> None:
        # Closing finishes a file even when it fails, or when its writer did: so does hdfs-native.
        try:
            self._faults.call(f"close {self._name}", lambda: None)
        finally:
            self._stream.close()


class FaultyFileSystem(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Every call can fail; the faults are the class's, as fsspec makes and keeps the objects."""

    protocol = "faulty"
    faults: ClassVar[Faults] = Faults()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(LocalFileSystem._strip_protocol(path.removeprefix("faulty://")))

    def _tell(self, name: str, path: str, work: Callable[[], Any]) -> Any:
        return self.faults.call(f"{name} {path.rsplit('/', 1)[-1]}", work)

    def exists(self, path: str, **_: Any) -> bool:
        return bool(self._tell("exists", path, lambda: LocalFileSystem().exists(path)))

    def info(self, path: str, **_: Any) -> Any:
        return self._tell("info", path, lambda: LocalFileSystem().info(path))

    def ls(self, path: str, detail: bool = False, **_: Any) -> Any:
        return self._tell("ls", path, lambda: LocalFileSystem().ls(path, detail=detail))

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self._tell("makedirs", path, lambda: LocalFileSystem().makedirs(path, exist_ok=exist_ok))

    def mv(self, path1: str, path2: str, **_: Any) -> None:
        self._tell("mv", path2, lambda: LocalFileSystem().mv(path1, path2))

    def rm(self, path: str, recursive: bool = False, **_: Any) -> None:
        self._tell("rm", path, lambda: LocalFileSystem().rm(path, recursive=recursive))

    def open(self, path: str, mode: str = "rb", **_: Any) -> FaultyStream:
        name = path.rsplit("/", 1)[-1]
        opened = self._tell(f"open {mode}", path, lambda: LocalFileSystem().open(path, mode))
        return FaultyStream(opened, self.faults, name)


fsspec.register_implementation("faulty", FaultyFileSystem, clobber=True)
