"""Disks of a test: small ones, ones that can be cut off from power, and damage to their files."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pegasus_tab.base.limits import MIB
from tests.integration.cluster import Server

ROOM_BYTES = 2 * MIB
"""What a filled disk has left."""


def needs(*command: str) -> None:
    """Run a command that takes privileges; skip the test, saying why, where they are missing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")
    if done.returncode:
        pytest.skip(f"not possible here: {' '.join(command)}: {done.stderr.strip()}")


@contextlib.contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[None]:
    """Put a small disk at a folder, with what is in it already."""
    before = folder.with_name(folder.name + ".before")
    folder.rename(before)
    folder.mkdir()
    needs("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder))
    try:
        shutil.copytree(before, folder, dirs_exist_ok=True)
        shutil.rmtree(before)
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    """Take nearly all room of a disk; return the file to delete."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        size = shutil.disk_usage(folder).free - ROOM_BYTES
        os.posix_fallocate(file.fileno(), 0, size)
    return filler


class PowerDisk:
    """A disk in a file, whose copy is what a power cut would leave.

    Args:
        folder: where it is mounted.
        size_bytes: of the disk.
    """

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self.folder = folder
        self._image = folder.with_suffix(".image")
        with self._image.open("wb") as image:
            image.truncate(size_bytes)
        needs("mkfs.ext4", "-q", str(self._image))
        folder.mkdir()
        self._mount()
        (folder / "lost+found").rmdir()

    def _mount(self) -> None:
        # Nothing reaches the disk in the meantime but what is synced.
        needs("mount", "-o", "loop,commit=600", str(self._image), str(self.folder))

    def cut_power(self, server: Server) -> None:
        """End a server as if its machine lost power; what was not synced is gone."""
        assert server.process is not None
        server.process.send_signal(signal.SIGSTOP)
        left = self._image.with_suffix(".left")
        subprocess.run(["cp", "--sparse=always", self._image, left], check=True)
        server.kill()
        self.unmount()
        left.rename(self._image)
        self._mount()

    def unmount(self) -> None:
        """Take the disk away."""
        subprocess.run(["umount", self.folder], check=True)


@contextlib.contextmanager
def power_disks(folders: Sequence[Path], size_bytes: int) -> Iterator[list[PowerDisk]]:
    """Put a disk at each folder."""
    with contextlib.ExitStack() as mounted:
        disks = [PowerDisk(folder, size_bytes) for folder in folders]
        for disk in disks:
            mounted.callback(disk.unmount)
        yield disks


def last_segment(server: Server) -> Path:
    """Return the newest segment of a server's log that holds anything."""
    segments = sorted((server.folder / "log").glob("segment.*"))
    return next(each for each in reversed(segments) if written_bytes(each) > 0)


def written_bytes(segment: Path) -> int:
    """Return where a segment's data ends; behind it are zeros, or nothing."""
    return len(segment.read_bytes().rstrip(b"\0"))


def flip_bit(file: Path, low: int, high: int, draw: random.Random) -> None:
    """Change one bit somewhere between two offsets."""
    at = draw.randrange(low, high)
    with file.open("r+b") as data:
        data.seek(at)
        [byte] = data.read(1)
        data.seek(at)
        data.write(bytes([byte ^ 1 << draw.randrange(8)]))


def replicas(server: Server) -> list[Path]:
    """Return the folders of a server's replicas."""
    found = (server.folder / "replicas").iterdir()
    return sorted(each for each in found if each.name.replace(".", "").isdecimal())
