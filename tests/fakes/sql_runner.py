"""Runs SQL in a session and gives back plain values, for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

from pegasus_tab.execute.session import Session


class SqlRunner:
    """``sql(text, parameters)`` gives the rows of a query, or the rowcount of anything else."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.notices: list[str] = []

    def __call__(
        self, text: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> Any:
        result = self.session.execute(text, parameters)
        self.notices = result.notices
        if result.columns is None:
            return result.rowcount
        return [row for page in result.pages() for row in page]

    def many(self, text: str, rows: Sequence[Any]) -> int:
        return self.session.execute_many(text, rows).rowcount
