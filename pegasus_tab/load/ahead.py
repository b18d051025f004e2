"""Working ahead: later batches are read and made ready while earlier ones go to the servers."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final, TypeVar

LOOK_SECONDS: Final = 0.5
"""Longest wait in one piece: a Ctrl-C that comes just before a thread sleeps does not wake it."""

T = TypeVar("T")
R = TypeVar("R")


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


def worked_on(source: Iterator[T], work: Callable[[T], R], parallel: int) -> Iterator[R]:
    """Yield what some work makes of each item of a source, in the source's order.

    Args:
        source: read ahead, see ``ahead``.
        work: called by several threads at once.
        parallel: how many items are worked on at once; with 1 the caller's thread does it.
    """
    if parallel == 1:
        yield from map(work, ahead(source))
        return
    with ThreadPoolExecutor(parallel, "make-ready") as pool:
        begun: deque[Future[R]] = deque()
        for item in ahead(source):
            begun.append(pool.submit(work, item))
            if len(begun) > parallel:
                yield _result(begun.popleft())
        while begun:
            yield _result(begun.popleft())


def _result(future: Future[T]) -> T:
    while not future.done():
        wait((future,), LOOK_SECONDS)
    return future.result()
