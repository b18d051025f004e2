"""The line below the prompt: what the statement being typed would cost, before Enter is pressed."""

import pegasus_tab
from pegasus_tab.base.errors import Error
from pegasus_tab.sql.explain import access_summary
from pegasus_tab.sql.prepare import prepare
from pegasus_tab.sql.split import split_statements

TEXT_MAX = 4000
"""Longer texts are not planned while typing."""


class AccessLine:
    """Plans the text as typed so far; anything that does not plan yet shows nothing."""

    def __init__(self, connection: pegasus_tab.Connection) -> None:
        self.connection = connection
        self.text = ""
        self.shown = ("", "")

    def of(self, text: str) -> tuple[str, str]:
        """Return (style, line) for a text; planned once for each change of it."""
        if text != self.text:
            self.text = text
            self.shown = self.planned(text)
        return self.shown

    def planned(self, text: str) -> tuple[str, str]:
        """Plan the last statement of the text."""
        if len(text) > TEXT_MAX or text.lstrip().startswith("\\") or not text.strip():
            return "", ""
        try:
            statements = split_statements(text)
            if not statements:
                return "", ""
            statement = prepare(
                statements[-1][1], self.connection.session.catalog, {"full_scan": "allow"}
            )
        except Error:
            return "", ""
        summary = access_summary(statement.plan)
        if summary is None:
            return "", ""
        return ("class:access.scan" if summary.full_scan else "class:access.cheap"), summary.text
