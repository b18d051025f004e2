"""The shim in front of a server's system calls (shim.c), and the file that tells it what to do."""

import functools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("shim.c")


@functools.cache
def library() -> Path:
    """Compile the shim, once a process; skip the test where that cannot be."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is installed, and this fault needs the LD_PRELOAD shim")
    target = Path(tempfile.mkdtemp(prefix="pegasus-tab-shim-")) / "shim.so"
    subprocess.run(
        [compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", target, SOURCE, "-ldl"],
        check=True,
    )
    return target


@dataclass(frozen=True)
class Rule:
    """What a kind of system call does from now on; see shim.c.

    Attributes:
        call: sync, write, read, rename or wait.
        action: errno, sleep or kill.
        number: the error's number, or milliseconds.
        path: part of the paths it concerns.
    """

    call: str
    action: str
    number: int = 0
    path: str = "-"


class Shim:
    """One process's rules.

    Args:
        file: holds them; read by the process at every call.
        source: loopback address it speaks from.
    """

    def __init__(self, file: Path, source: str) -> None:
        self._file = file
        self.environment = {
            "LD_PRELOAD": str(library()),
            "FAULT_RULES": str(file),
            "FAULT_SOURCE": source,
        }
        self.obey()

    def obey(self, *rules: Rule) -> None:
        """Replace all rules."""
        lines = [f"{each.call} {each.action} {each.number} {each.path}\n" for each in rules]
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text("".join(lines))
        unfinished.rename(self._file)
