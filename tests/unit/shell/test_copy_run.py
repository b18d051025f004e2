"""What ``pegasus-tab import`` and ``export`` print and return for the statements they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

import pegasus_tab
from pegasus_shell.copy_run import run_copies
from pegasus_shell.exit_code import ExitCode


@dataclass
class FakeCursor:
    rowcount: int = -1
    jobs: tuple[int, ...] = ()

    @property
    def description(self) -> object:
        return self.jobs or None

    def fetchall(self) -> list[tuple[int]]:
        return [(job,) for job in self.jobs]


class FakeConnection:
    """Gives or raises what it was made with, one for each statement."""

    def __init__(self, *outcomes: FakeCursor | BaseException) -> None:
        self._outcomes = iter(outcomes)

    def add_notice_handler(self, handler: object) -> None:
        """Tell nothing."""

    def execute(self, _: str) -> FakeCursor:
        outcome = next(self._outcomes)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


def run(
    monkeypatch: pytest.MonkeyPatch, *outcomes: FakeCursor | BaseException, interrupted: str = ""
) -> ExitCode:
    @contextmanager
    def connect(_: str) -> Iterator[FakeConnection]:
        yield FakeConnection(*outcomes)

    monkeypatch.setattr(pegasus_tab, "connect", connect)
    return run_copies("d", ["COPY"] * len(outcomes), quiet=False, interrupted=interrupted)


def test_rows_are_told_and_jobs_are_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(monkeypatch, FakeCursor(3), FakeCursor(jobs=(7,)), FakeCursor(jobs=(8,)))
    assert code is ExitCode.OK
    assert tuple(capsys.readouterr()) == ("7\n8\n", "COPY 3\n")


def test_the_first_error_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = pegasus_tab.ProgrammingError("no table", sqlstate="42P01")
    error.position = 5
    assert run(monkeypatch, error, FakeCursor(1)) is not ExitCode.OK
    assert capsys.readouterr().err == "ERROR 42P01:  no table\n"


def test_ctrl_c_says_what_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noted = KeyboardInterrupt()
    noted.add_note("job 7 goes on")
    assert run(monkeypatch, noted, interrupted="some rows") is ExitCode.INTERRUPTED
    assert run(monkeypatch, KeyboardInterrupt(), interrupted="some rows") is ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "job 7 goes on\nsome rows\n"
