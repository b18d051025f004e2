"""Reading one step ahead: the next batch is read while the last one is on its way to the servers."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, TypeVar

LOOK_SECONDS: Final = 0.5
"""Longest wait in one piece: a Ctrl-C that comes just before a thread sleeps does not wake it."""

T = TypeVar("T")


def ahead(source: Iterator[T]) -> Iterator[T]:
    """Yield what a source gives, the next item fetched in another thread meanwhile.

    The source is never asked by two threads at once. Closing waits for the item under way.
    """
    end = object()
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        coming = pool.submit(next, source, end)
        while (item := _result(coming)) is not end:
            coming = pool.submit(next, source, end)
            yield item  # type: ignore[misc]  # no item is the end


def _result(future: Future[T]) -> T:
    while not future.done():
        wait((future,), LOOK_SECONDS)
    return future.result()
