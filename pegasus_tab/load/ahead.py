"""Reading one step ahead: the next batch is read while the last one is on its way to the servers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(source: Iterator[T]) -> Iterator[T]:
    """Yield what a source gives, the next item fetched in another thread meanwhile.

    The source is never asked by two threads at once. Closing waits for the item under way.
    """
    end = object()
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        coming = pool.submit(next, source, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, source, end)
            yield item  # type: ignore[misc]  # no item is the end
