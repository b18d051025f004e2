"""Cores that do not fall asleep: what a round trip costs without waking a virtual CPU.

On an idle virtual machine most of a round trip is spent on waking the core of whoever waits; two
processes that run only when nobody else wants to keep the cores awake and take nothing from others.
"""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager

_FORK = multiprocessing.get_context("fork")


@contextmanager
def cores_awake() -> Iterator[None]:
    """Keep all cores busy with processes of the scheduler's idle class."""
    cores = sorted(os.sched_getaffinity(0))
    idlers = [_FORK.Process(target=_run_idle, args=(core,), daemon=True) for core in cores]
    for each in idlers:
        each.start()
    try:
        yield
    finally:
        for each in idlers:
            each.kill()
            each.join()


def _run_idle(core: int) -> None:
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass
