"""The statement that options of ``pegasus-tab import`` mean, and the line of the progress bar."""

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pegasus_shell.importing import statement
from pegasus_shell.narration import Narration
from pegasus_shell.progress_bar import ProgressBar, line
from pegasus_tab.execute.progress import Progress
from pegasus_tab.sql.plan_nodes import CopyFrom
from pegasus_tab.sql.prepare import prepare
from tests.fakes.sql_catalog import SqlCatalog


def plan(**options: object) -> CopyFrom:
    catalog = SqlCatalog('CREATE TABLE "T" (id INT PRIMARY KEY, "it\'s" TEXT)')
    found = prepare(statement("T", "it's/*.csv", options), catalog, {}).plan
    assert isinstance(found, CopyFrom)
    return found


def test_defaults() -> None:
    found = plan(on_conflict="upsert")
    assert (found.source, found.on_conflict, found.format) == ("it's/*.csv", "upsert", None)
    assert (found.rejects_max, found.csv.header, found.columns) == (0, True, None)


def test_every_option_arrives() -> None:
    found = plan(
        format_="csv",
        columns="id, it's",
        mapping={"a=b": "it's", 'quote"d': "id"},
        on_conflict="ignore",
        rejects="o'r",
        max_rejects=3,
        state="s",
        parallel=2,
        ttl="30 days",
        no_header=True,
        delimiter="\t",
        null="'",
        quote="",
    )
    assert found.columns == ("id", "it's")
    assert found.mapping == (("a=b", "it's"), ('quote"d', "id"))
    assert (found.on_conflict, found.rejects, found.rejects_max) == ("ignore", "o'r", 3)
    assert (found.state, found.format) == ("s", "csv")
    assert (found.parallel, found.ttl_seconds) == (2, 30 * 86400)
    assert plan(ttl="90").ttl_seconds == 90
    assert (found.csv.header, found.csv.delimiter) == (False, "\t")
    assert (found.csv.null, found.csv.quote) == ("'", "")


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        (Progress(0), "0 rows  0 rows/s"),
        (
            Progress(12_000, 3, 0.25),
            "[######..................]  25%  12,000 rows  6,000 rows/s  3 rejected  0:06 left",
        ),
        (Progress(1, 0, 2.0), "[########################] 100%  1 rows  0 rows/s  0:00 left"),
        (
            Progress(1, 0, 1 / 7200),
            "[........................]   0%  1 rows  0 rows/s  3:59:58 left",
        ),
    ],
)
def test_line(progress: Progress, shown: str) -> None:
    assert line(progress, 2.0) == shown


def test_the_bar_is_redrawn_now_and_then_and_goes() -> None:
    moments = iter([0.0, 0.0, 0.05, 0.2])
    stream = io.StringIO()
    bar = ProgressBar(stream, lambda: next(moments))
    for rows in (1, 2, 3):
        bar.show(Progress(rows))
    assert [text.split("  ")[0] for text in stream.getvalue().split("\r\x1b[K")] == [
        "", "1 rows", "3 rows"
    ]  # fmt: skip
    bar.clear()
    bar.clear()
    assert stream.getvalue().endswith("\r\x1b[K")
    assert stream.getvalue().count("\r") == 3


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_notice_takes_the_bar_away() -> None:
    stream = Terminal()
    narration = Narration(talk=stream)
    connection = SimpleNamespace(session=SimpleNamespace(progress_handler=None))
    with narration.progress(cast("Any", connection)):
        connection.session.progress_handler(Progress(5))
        narration.say("NOTICE:  rejected: 1 row")
    assert connection.session.progress_handler is None
    drawn, said = stream.getvalue().rsplit("\r\x1b[K", 1)
    assert drawn.startswith("\r\x1b[K5 rows")
    assert said == "NOTICE:  rejected: 1 row\n"
