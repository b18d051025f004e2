"""The interactive prompt: multi-line until ``;``, history, colours, completion, access path below."""

import os
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.styles import Style

from pegasus_shell.access_line import AccessLine
from pegasus_shell.completion import SqlCompleter
from pegasus_shell.exit_code import ExitCode
from pegasus_shell.guard import is_yes, question
from pegasus_shell.highlight import SqlLexer
from pegasus_shell.metacommand import Quit, run_metacommand
from pegasus_shell.statement_run import StatementRun
from pegasus_tab.base.errors import Error
from pegasus_tab.base.version import VERSION
from pegasus_tab.sql.split import is_complete, split_statements

STYLE = Style.from_dict(
    {
        "sql.keyword": "bold ansiblue",
        "sql.type": "ansicyan",
        "sql.string": "ansigreen",
        "sql.number": "ansimagenta",
        "sql.comment": "italic ansibrightblack",
        "sql.parameter": "ansiyellow",
        "sql.meta": "bold ansicyan",
        "bottom-toolbar": "noreverse",
        "access.cheap": "ansigreen",
        "access.scan": "bold ansired",
    }
)
MORE = "  ...> "


class Prompt:
    """Reads statements from a terminal until the user leaves."""

    def __init__(self, run: StatementRun, dsn: str) -> None:
        self.run = run
        self.dsn = dsn
        self.access = AccessLine(run.connection)
        self.session: PromptSession[str] = PromptSession(
            history=history(),
            lexer=SqlLexer(),
            completer=SqlCompleter(self.tables, self.columns),
            complete_while_typing=True,
            auto_suggest=AutoSuggestFromHistory(),
            multiline=Condition(self.wants_more),
            prompt_continuation=MORE,
            style=STYLE if "NO_COLOR" not in os.environ else None,
            bottom_toolbar=self.toolbar,
            enable_history_search=True,
        )
        self.answers: PromptSession[str] = PromptSession()

    def loop(self) -> ExitCode:
        r"""Take statements until ``\q`` or Ctrl-D; a failed statement does not end the session."""
        self.run.narration.say(f"Pegasus Tab {VERSION} on {self.dsn}. \\? for help, \\q to leave.")
        while True:
            try:
                self.take(self.session.prompt("tab> "))
            except KeyboardInterrupt:
                continue
            except (EOFError, Quit):
                return ExitCode.OK

    def take(self, text: str) -> None:
        """Run what was entered: a backslash command or statements."""
        if text.lstrip().startswith("\\"):
            run_metacommand(self.run, text)
            return
        for start, statement in split_statements(text):
            try:
                wanted = self.is_wanted(statement)
            except KeyboardInterrupt:
                self.run.narration.say("Cancelled")
                return
            if not wanted:
                self.run.narration.say("Not run.")
                return
            if self.run.statement(statement, start, text) is not ExitCode.OK:
                return

    def is_wanted(self, statement: str) -> bool:
        """Ask before a statement that changes every row of a table; Ctrl-D means no."""
        asked = question(statement) if self.run.guard else None
        if asked is None:
            return True
        try:
            return is_yes(self.answers.prompt(asked))
        except EOFError:
            return False

    def wants_more(self) -> bool:
        """Whether Enter starts a new line: not yet a ``;``, and not a backslash command."""
        text = self.session.default_buffer.text
        return bool(text.strip()) and not text.lstrip().startswith("\\") and not is_complete(text)

    def toolbar(self) -> FormattedText:
        """Say how the statement that is being typed would reach its rows."""
        style, text = self.access.of(self.session.default_buffer.text)
        return FormattedText([(style, text)])

    def tables(self) -> list[str]:
        """Return table names for completion; none when the node is away."""
        try:
            return self.run.connection.session.catalog.names()
        except Error:
            return []

    def columns(self, table: str) -> list[str]:
        """Return a table's column names for completion."""
        try:
            found = self.run.connection.session.catalog.table(table)
        except Error:
            return []
        return [column.name for column in found.schema.columns] if found else []


def history() -> History:
    """Return the history file in the user's state folder; in memory when that cannot be written."""
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    folder = base / "pegasus-tab"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "history"
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))
