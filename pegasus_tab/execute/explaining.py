"""EXPLAIN [ANALYZE]: the plan as text or JSON, with what it took when it was run for it."""

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context
from pegasus_tab.execute.executor import Executor
from pegasus_tab.execute.result import ResultColumn, ResultSet
from pegasus_tab.sql.column_types import TEXT
from pegasus_tab.sql.explain import explain, explain_json
from pegasus_tab.sql.plan_nodes import Explain, Statement

_COLUMNS = (ResultColumn("plan", TEXT),)


class ExplainExecutor:
    """A compiled Explain.

    Args:
        statement: whose plan is ``plan``.
        plan: the Explain.
        explained: for ANALYZE the executor of what is explained, else None.
    """

    def __init__(self, statement: Statement, plan: Explain, explained: Executor | None) -> None:
        self._statement = statement
        self._json = plan.format == "json"
        self._explained = explained

    def execute(self, context: Context, bindings: Bindings) -> ResultSet:
        """Return the lines; for ANALYZE run the statement first, writes included."""
        actual = None if self._explained is None else self._measured(context, bindings)
        if self._json:
            return ResultSet.of_rows(_COLUMNS, [(explain_json(self._statement, actual),)])
        return ResultSet.of_rows(_COLUMNS, [(line,) for line in explain(self._statement, actual)])

    def _measured(self, context: Context, bindings: Bindings) -> dict[str, object]:
        assert self._explained is not None
        begun = context.monotonic()
        result = self._explained.execute(context, bindings)
        try:
            rows = sum(len(page) for page in result.pages()) if result.columns else result.rowcount
        finally:
            result.close()
        milliseconds = (context.monotonic() - begun) * 1000
        return {"rows": rows, "milliseconds": round(milliseconds, 3)}
