"""Everything a user can write or call is named in the docs; the lists come from the code itself.

A name counts as documented when it stands as a word in code (in backquotes or a fenced block) of the
pages that are about it. That a page says the right thing is for its examples to show, which
``tests/docs`` runs.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

import pegasus_tab
import pegasus_tab.kv
from pegasus_server.runtime import main as server
from pegasus_server.runtime import startup_fault
from pegasus_shell.exit_code import ExitCode
from pegasus_shell.main import main as command_line
from pegasus_shell.metacommand import METACOMMANDS
from pegasus_shell.output_format import FORMATS
from pegasus_tab.sql import (
    front,
    front_ddl,
    plan_backup,
    plan_copy_from,
    plan_definition,
    plan_policy,
)
from pegasus_tab.sql.bind_functions import EXTRACT_UNITS, TRUNCATION_UNITS
from pegasus_tab.sql.column_types import TYPE_NAMES
from pegasus_tab.sql.function_names import FUNCTION_NAMES
from pegasus_tab.sql.settings import SETTINGS
from pegasus_tab.sql.statement_heads import REFUSED, STATEMENT_HEADS
from pegasus_tab.wire.codes import CasCheckType, FilterType

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CODE = re.compile(r"^```.*?^```$|`[^`]+`", re.MULTILINE | re.DOTALL)
SQLSTATE = re.compile(r"(?=.*\d)[0-9A-Z]{5}")


def code_of(*patterns: str) -> str:
    """Return all code on the pages whose names match."""
    pages = [page.read_text() for pattern in patterns for page in sorted(DOCS.glob(pattern))]
    assert pages, patterns
    return "\n".join(found for page in pages for found in CODE.findall(page))


def missing(names: Iterable[str], *patterns: str, fold_case: bool = False) -> list[str]:
    """Return the names that stand nowhere in the code of those pages."""
    code = code_of(*patterns)
    flags = re.IGNORECASE if fold_case else 0
    return [
        name
        for name in names
        if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", code, flags)
    ]


def missing_words(names: Iterable[str], page: str) -> list[str]:
    """Return the names that are no word of the page's code."""
    words = set(re.findall(r"\w+", code_of(page)))
    return sorted(name for name in names if name not in words)


# ---- command line -------------------------------------------------------------------------------


def commands(command: click.Command, path: str = "pegasus-tab") -> Iterator[tuple[str, str]]:
    """Yield each (command, option) of the command line; the option is "" for the command itself."""
    yield path, ""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield from ((path, option) for option in parameter.opts)
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, f"{path} {name}")


def test_commands_and_options_are_documented() -> None:
    pages = ("shell.md",)
    found = list(commands(command_line))
    assert len(found) > 20
    assert missing((path for path, _ in found), *pages) == []
    assert missing((option for _, option in found if option), *pages) == []


def test_backslash_commands_and_formats_are_documented() -> None:
    assert missing((f"\\{name}" for name in METACOMMANDS), "shell.md") == []
    assert missing_words(FORMATS, "shell.md") == []


def test_server_options_are_documented(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        server.parse_options(["standalone", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert len(options) > 5
    assert missing(sorted(options), "server.md") == []


def test_exit_codes_are_documented() -> None:
    codes = [value for name, value in vars(startup_fault).items() if name.startswith("EXIT_")]
    assert len(codes) > 4
    for page, values in (("server.md", codes), ("shell.md", list(ExitCode))):
        text = (DOCS / page).read_text()
        assert [int(code) for code in values if f"\n| {int(code)} |" not in text] == []


# ---- SQL ----------------------------------------------------------------------------------------


def test_statements_are_documented() -> None:
    heads = {head for head in front._HEADS if head.isalpha()} | set(STATEMENT_HEADS)
    assert missing(sorted(heads - {"DESC"}), "sql.md") == []
    assert missing(sorted(heads - {"DESC"}), "sql-*.md") == []


def test_what_is_refused_is_documented() -> None:
    assert missing(REFUSED, "sql-differences.md") == []
    assert missing(front_ddl._REFUSED_CONSTRAINTS, "sql-differences.md", fold_case=True) == []


def test_table_options_are_documented() -> None:
    options = {*plan_definition._CREATE_OPTIONS, *plan_definition._SET_OPTIONS}
    assert missing(sorted(options), "sql-tables.md") == []


def test_options_of_backups_are_documented() -> None:
    backups = {*plan_backup.BACKUP_OPTIONS, *plan_backup.RESTORE_OPTIONS}
    options = {*backups, *plan_policy.POLICY_OPTIONS}
    assert missing(sorted(options), "backup.md", fold_case=True) == []


def test_options_of_imports_are_documented() -> None:
    assert missing(plan_copy_from.COPY_FROM_OPTIONS, "import.md", fold_case=True) == []


def test_settings_are_documented() -> None:
    assert missing(SETTINGS, "sql-session.md") == []
    for setting in SETTINGS.values():
        values = [word for word in re.findall(r"[a-z]+", setting.accepts) if word not in PROSE]
        assert missing(values, "sql-session.md") == [], setting.name


PROSE = frozenset("milliseconds or text such as s".split())


def test_types_are_documented() -> None:
    assert missing(TYPE_NAMES, "sql-types.md") == []


def test_functions_and_units_are_documented() -> None:
    assert len(FUNCTION_NAMES) > 50
    assert missing(FUNCTION_NAMES, "sql-functions.md", fold_case=True) == []
    assert missing_words({*TRUNCATION_UNITS, *EXTRACT_UNITS}, "sql-functions.md") == []


# ---- Python -------------------------------------------------------------------------------------


def public(cls: type) -> list[str]:
    """Return the public attributes that a class defines or inherits from classes of ours."""
    ours = [one for one in cls.__mro__ if one.__module__.startswith("pegasus_tab")]
    return sorted({name for one in ours for name in vars(one) if not name.startswith("_")})


def test_the_driver_is_documented() -> None:
    assert missing_words(pegasus_tab.__all__, "driver.md") == []
    assert missing_words(public(pegasus_tab.Cursor), "driver.md") == []
    exceptions = {name for name in pegasus_tab.__all__ if name.endswith("Error")} | {"Warning"}
    assert missing_words(set(public(pegasus_tab.Connection)) - exceptions, "driver.md") == []
    fields = vars(pegasus_tab.Error("x"))
    assert missing_words(fields, "driver.md") == []


def test_the_key_value_client_is_documented() -> None:
    page = "key-value.md"
    assert missing_words(pegasus_tab.kv.__all__, page) == []
    for cls in (pegasus_tab.kv.Client, pegasus_tab.kv.TableHandle):
        assert missing_words(public(cls), page) == [], cls
    assert missing_words(FilterType.__members__, page) == []
    # The table spells the first comparison of each kind out and abbreviates the others.
    shortened = [
        re.sub("^VALUE_(BYTES|INT)(?!_LESS$)", "", name) for name in CasCheckType.__members__
    ]
    assert missing_words(shortened, page) == []


# ---- errors -------------------------------------------------------------------------------------


def sqlstates() -> set[str]:
    """Return every SQLSTATE that the driver and the shell name."""
    files = [*(ROOT / "pegasus_tab").rglob("*.py"), *(ROOT / "shell").rglob("*.py")]
    return {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and SQLSTATE.fullmatch(node.value)
    }


def test_sqlstates_are_documented_and_no_others() -> None:
    table = (DOCS / "errors.md").read_text()
    listed = {
        code
        for row in re.findall(r"^\| ([0-9A-Z, ]+) \|", table, re.MULTILINE)
        for code in row.split(", ")
        if SQLSTATE.fullmatch(code)
    }
    assert listed == sqlstates()
