"""Commands of ``pegasus-tab admin`` that are refused before anybody is asked."""

import pytest
from click.testing import CliRunner

from pegasus_shell.exit_code import ExitCode
from pegasus_shell.main import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("propose t 0 move-primary", "move-primary needs --to"),
        ("propose t 0 move-primary --to a:1 --from b:1", "move-primary needs --to alone"),
        ("propose t 0 copy-replica --to a:1", "copy-replica needs --from"),
        ("propose t 0 remove-replica --from a:1 --to b:1", "remove-replica needs --from alone"),
        ("propose t 0 remove-replica --from nowhere", "'nowhere' is not a server's name"),
        ("propose t 0 remove-replica --from a:99999", "'a:99999' is not a server's name"),
        ("propose t 0 shuffle", "'shuffle' is not one of"),
        ("diagnose --partition 1", "--partition needs TABLE"),
        ("diagnose t --force-from a:1", "--force-from needs TABLE and --partition"),
        ("level sleepy", "'sleepy' is not one of"),
        ("recover --nodes a:1,b", "'b' is not a server's name"),
        ("balance --limit 0", "0 is not in the range"),
        ("nodes --format xml", "'xml' is not one of"),
    ],
)
def test_wrong_usage_is_named(arguments: str, said: str) -> None:
    ended = CliRunner().invoke(main, ["admin", *arguments.split()])
    assert ended.exit_code == ExitCode.USAGE
    assert said in ended.output


def test_nobody_there_is_no_connection() -> None:
    ended = CliRunner().invoke(main, ["admin", "level", "--dsn", "pegasus://127.0.0.1:1/"])
    assert ended.exit_code == ExitCode.CONNECTION
