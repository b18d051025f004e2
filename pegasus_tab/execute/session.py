"""Statements over one client: text and parameters in, results out.

What a PEP 249 connection stands on, and what the shell may use without one. A statement's plan and its
executor are kept by its text, so a repeated statement costs two dictionary lookups before the first
byte leaves.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from pegasus_tab.base.errors import Error, NotSupportedError, ProgrammingError
from pegasus_tab.base.record import record
from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.catalog import Catalog
from pegasus_tab.execute.compile import compile_statement
from pegasus_tab.execute.context import Context, ServerAbilities
from pegasus_tab.execute.deadline import Deadline
from pegasus_tab.execute.errors import StaleSchema, arrow_missing
from pegasus_tab.execute.executor import Executor
from pegasus_tab.execute.parameters import Given, ParameterBinder
from pegasus_tab.execute.result import ResultSet
from pegasus_tab.kv.failure import TIMEOUT_EXPIRED
from pegasus_tab.sql.plan_cache import ENTRY_BYTES_MAX
from pegasus_tab.sql.plan_nodes import (
    CopyFrom,
    Delete,
    Explain,
    Insert,
    Plan,
    Statement,
    Update,
)
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.sql.settings import TIMEOUT, current, setting_value
from pegasus_tab.tabular.errors import UnknownLayout

if TYPE_CHECKING:
    from pegasus_tab.execute.insert import InsertExecutor
    from pegasus_tab.execute.progress import ProgressHandler
    from pegasus_tab.execute.residual import ResidualEngine
    from pegasus_tab.kv.client import Client

NoticeHandler: TypeAlias = Callable[[str], None]

COMPILED_MAX = 512
UNDEFINED = frozenset({"42P01", "42703"})
"""No such table, no such column: perhaps somebody has just made it."""


@record
class Compiled:
    """A statement ready to run."""

    statement: Statement
    executor: Executor
    parameters: ParameterBinder


class ManyExecutor(Protocol):
    """An executor that takes the parameters of many executions as one stream."""

    def execute_many(self, context: Context, executions: Iterable[Bindings]) -> ResultSet:
        """Carry all executions out; the rowcount is their sum."""


class Session:
    """See the module's text; threads may share a session.

    Args:
        client: the key-value client; closed with the session.
        clock: seconds since 1970-01-01 UTC.
        monotonic: seconds of a clock that only goes forward.
        settings: session settings to begin with, as for SET.

    Attributes:
        settings: what SET changed in this session.
        notice_handlers: told every notice at once: those about a plan before its execution begins.
        progress_handler: told how far a long statement is (COPY), None when nobody asks.

    Raises:
        ProgrammingError: a setting that does not exist, or a value it does not take.
    """

    def __init__(
        self,
        client: "Client",
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.client = client
        self._catalog = Catalog(client, monotonic)
        self.settings: dict[str, object] = {}
        self.notice_handlers: list[NoticeHandler] = []
        self.progress_handler: ProgressHandler | None = None
        for name, value in (settings or {}).items():
            self.settings[name] = setting_value(name, value)
        self._clock = clock
        self._monotonic = monotonic
        self._abilities = ServerAbilities()
        self._engine: ResidualEngine | None = None
        self._compiled: OrderedDict[str, Compiled] = OrderedDict()

    @property
    def catalog(self) -> Catalog:
        """The cluster's tables, as listed within the last five seconds.

        Raises:
            OperationalError: they could not be listed even once.
        """
        self._catalog.refresh(self._context(None).deadline.left_ms)
        return self._catalog

    def reading(self) -> Context:
        """Return what a read needs that is no statement; each request has the session's timeout."""
        return self._context(None)

    def execute(
        self, text: str, parameters: Given | None = None, timeout_ms: int | None = None
    ) -> ResultSet:
        """Carry one statement out.

        Args:
            text: one SQL statement.
            parameters: values in order for ``?``, a mapping for ``:name``.
            timeout_ms: longest time until the result is here, and then for each further page that
                is read of it; the session's setting when None.

        Returns:
            The result; a query's first page has been fetched.

        Raises:
            Error: anything, see base/errors.py; the error knows the statement's text.
        """
        context = self._context(timeout_ms)
        deadline = context.deadline
        deadline.begin()
        try:
            result = self._execute(text, parameters, context)
        except Error as error:
            final = _final(error, context).in_statement(text)
            if final is error:
                raise
            raise final from error
        deadline.rest()
        result.read_within(deadline)
        return result

    def execute_many(
        self, text: str, rows: Iterable[Given], timeout_ms: int | None = None
    ) -> ResultSet:
        """Carry one statement out for each element of ``rows``, writes pipelined.

        Each element is an execution, and there may be any number of them, so the timeout is not for
        all of them together: it is the longest wait for one request.

        Returns:
            The sum of the rowcounts.

        Raises:
            NotSupportedError: the statement returns rows.
            Error: what one of the executions met; earlier ones are done, later ones may be.
        """
        context = self._context(timeout_ms)
        given = iter(rows)
        compiled = self._compiled_anew(text, context.deadline)
        if not isinstance(compiled.statement.plan, Insert | Update | Delete):
            raise NotSupportedError(
                "executemany takes INSERT, UPSERT, UPDATE and DELETE",
                hint="call execute for each set of parameters",
            ).in_statement(text)
        try:
            self._announce(compiled.statement.notices)
            return self._complete(compiled, _run_many(compiled, given, context))
        except Error as error:
            self._noted_as_outdated(error)
            final = _final(error, context).in_statement(text)
            if final is error:
                raise
            raise final from error

    def compiled(self, text: str) -> Compiled:
        """Return the statement ready to run, from the cache or made now; asks nobody."""
        statement = prepare(text, self._catalog, self.settings)
        known = self._compiled.get(text)
        if known is not None and known.statement is statement:
            return known
        compiled = Compiled(statement, compile_statement(statement), ParameterBinder(statement))
        if len(text) > ENTRY_BYTES_MAX:
            return compiled  # mostly a bulk INSERT, which does not come back
        self._compiled[text] = compiled
        while len(self._compiled) > COMPILED_MAX:
            self._compiled.popitem(last=False)
        return compiled

    def close(self) -> None:
        """Close the client and the residual engine."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self.client.close()

    def _execute(self, text: str, parameters: Given | None, context: Context) -> ResultSet:
        compiled = self._compiled_anew(text, context.deadline)
        try:
            self._announce(compiled.statement.notices)
            return self._complete(compiled, _run(compiled, parameters, context))
        except Error as error:
            if not self._noted_as_outdated(error):
                raise
            self._catalog.refresh(context.deadline.left_ms)
            again = self.compiled(text)
            if again is compiled:
                raise
            if _writes(compiled.statement.plan):
                # Rows written before the error would be written twice.
                raise StaleSchema(
                    f"the table changed while the statement ran: {error.message}", ambiguous=True
                ) from error
        known = compiled.statement.notices
        self._announce([notice for notice in again.statement.notices if notice not in known])
        return self._complete(again, _run(again, parameters, context))

    def _announce(self, notices: Iterable[str]) -> None:
        for notice in notices:
            for handler in list(self.notice_handlers):
                handler(notice)

    def _complete(self, compiled: Compiled, result: ResultSet) -> ResultSet:
        """Announce what came up in execution; put the plan's notices before it in the result."""
        if result.notices:
            self._announce(result.notices)
        if compiled.statement.notices:
            result.notices[:0] = compiled.statement.notices
        return result

    def _noted_as_outdated(self, error: Error) -> bool:
        """Tell whether a statement failed because its table is another by now; look at it anew then."""
        undefined = isinstance(error, ProgrammingError) and error.sqlstate in UNDEFINED
        if undefined or isinstance(error, StaleSchema | UnknownLayout):
            self._catalog.invalidate()
            return True
        return False

    def _compiled_anew(self, text: str, deadline: Deadline) -> Compiled:
        """Return the statement ready to run, planned with a fresh listing if a name is missing."""
        self._catalog.refresh(deadline.left_ms)
        try:
            return self.compiled(text)
        except ProgrammingError as error:
            if error.sqlstate not in UNDEFINED:
                raise
            generation = self._catalog.generation
            self._catalog.invalidate()
            self._catalog.refresh(deadline.left_ms)
            if self._catalog.generation == generation:
                raise
        return self.compiled(text)

    def _context(self, timeout_ms: int | None) -> Context:
        """Return the context of a new statement; its deadline rests."""
        if timeout_ms is None:
            timeout_ms = cast("int", current(self.settings, TIMEOUT))
        context = Context(
            self.client,
            self._catalog,
            self._clock,
            self._monotonic,
            self._residual,
            self._abilities,
            self.settings,
            Deadline(timeout_ms, self._monotonic),
        )
        context.progress = self.progress_handler
        return context

    def _residual(self) -> "ResidualEngine":
        if self._engine is None:
            try:
                from pegasus_tab.execute.residual import ResidualEngine
            except ImportError as error:
                raise arrow_missing(error) from error
            self._engine = ResidualEngine()
        return self._engine


def _run(compiled: Compiled, parameters: Given | None, context: Context) -> ResultSet:
    bindings = compiled.parameters.bind(parameters, context.clock)
    return compiled.executor.execute(context, bindings)


def _final(error: Error, context: Context) -> Error:
    """Return a statement's error, given what a call of it met."""
    final = context.verdict(error)
    if final.sqlstate == TIMEOUT_EXPIRED and final.hint is None:
        final.hint = (
            f"the statement's timeout is {context.deadline.timeout_ms} ms; SET timeout changes it"
        )
    return final


def _writes(plan: Plan) -> bool:
    if isinstance(plan, Explain):
        return plan.analyze and _writes(plan.plan)
    return isinstance(plan, Insert | Update | Delete | CopyFrom)


def _run_many(compiled: Compiled, rows: Iterator[Given], context: Context) -> ResultSet:
    binder = compiled.parameters
    if isinstance(compiled.statement.plan, Insert) and binder.is_plain:
        insert = cast("InsertExecutor", compiled.executor)
        if insert.takes_rows:
            return insert.write_rows(context, map(binder.checked, rows))
    bindings = (binder.bind(given, context.clock) for given in rows)
    return cast("ManyExecutor", compiled.executor).execute_many(context, bindings)
