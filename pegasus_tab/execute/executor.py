"""The face of every compiled statement."""

from typing import Protocol

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.result import ResultSet


class Executor(Protocol):
    """A plan compiled into closures, executed any number of times, also by several threads at once."""

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Carry the statement out; a query's first page is fetched, the rest comes as it is read."""
