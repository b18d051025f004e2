"""A stream whose filesystem hangs is given up once and for all; other failures name the file."""

import io
import threading

import pytest

from pegasus_tab.export.remote_stream import RemoteStream


class Hanging(io.BytesIO):
    """Answers writes no more once told to hang; being touched meanwhile is the test's failure."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()
        self.hangs = False
        self.touched = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.touched += 1
        if self.hangs:
            self.release.wait(30)
        return super().write(data)

    def close(self) -> None:
        self.touched += 1
        super().close()


def named(error: BaseException) -> Exception:
    return OSError(f"file x: {error}")


def test_a_hanging_stream_is_not_touched_again() -> None:
    inner = Hanging()
    stream = RemoteStream(inner, 0.1, named, sync=False)
    assert stream.write(b"abc") == 3
    inner.hangs = True
    with pytest.raises(OSError, match="file x: no answer"):
        stream.write(b"def")
    touched = inner.touched
    for again in (lambda: stream.write(b"ghi"), stream.close):
        with pytest.raises(OSError, match="file x: no answer"):
            again()
    assert inner.touched == touched
    assert stream.closed
    inner.release.set()


def test_failures_name_the_file() -> None:
    inner = io.BytesIO(b"content")
    stream = RemoteStream(inner, None, named, sync=False)
    assert io.BufferedReader(stream).read() == b"content"
    inner.close()
    with pytest.raises(OSError, match="file x"):
        stream.seek(0)
