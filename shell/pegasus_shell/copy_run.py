"""What ``pegasus-tab import`` and ``pegasus-tab export`` share: COPY statements, run in turn."""

from collections.abc import Sequence

from pegasus_shell.exit_code import ExitCode, exit_code
from pegasus_shell.narration import Narration, unbroken_pipe


def run_copies(
    dsn: str, statements: Sequence[str], *, quiet: bool, interrupted: str = ""
) -> ExitCode:
    """Run COPY statements, the first that fails being the last.

    Args:
        dsn: of the node or cluster.
        statements: what to run.
        quiet: say only errors.
        interrupted: what to say when Ctrl-C ended one that has nothing to say of it itself.
    """
    import pegasus_tab

    narration = Narration(quiet=quiet)
    try:
        with unbroken_pipe(), pegasus_tab.connect(dsn) as connection:
            connection.add_notice_handler(lambda text: narration.say(f"NOTICE:  {text}"))
            for text in statements:
                with narration.progress(connection):
                    cursor = connection.execute(text)
                if cursor.description is None:
                    narration.say(f"COPY {cursor.rowcount}")
                else:
                    narration.rows(str(job) for (job,) in cursor.fetchall())
    except pegasus_tab.Error as error:
        error.position = None  # it would point into a statement that nobody has written
        narration.fault(error)
        return exit_code(error)
    except KeyboardInterrupt as interrupt:
        for note in getattr(interrupt, "__notes__", [interrupted] if interrupted else []):
            narration.say(note)
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def quoted_name(text: str) -> str:
    """Return a name for SQL; quoted, so that it means the very table or column typed."""
    return '"' + text.replace('"', '""') + '"'


def quoted_text(value: str) -> str:
    """Return a text for SQL."""
    return "'" + value.replace("'", "''") + "'"
