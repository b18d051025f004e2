"""One line of the benchmark table, and how a table is printed."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number beside its baseline.

    Attributes:
        name: what was measured.
        value: the product's number.
        unit: ``/s`` (more is better) or ``us``, ``ms``, ``s`` (less is better).
        floor: what DESIGN.md section 6 asks for, in the same unit; None when it asks nothing.
        baseline: what ran beside it in the same run.
        baseline_value: its number, same unit.
    """

    name: str
    value: float
    unit: str
    floor: float | None
    baseline: str
    baseline_value: float

    @property
    def more_is_better(self) -> bool:
        """Rates grow, times shrink."""
        return self.unit == "/s"

    @property
    def holds(self) -> bool | None:
        """Whether the floor is met; None without a floor."""
        if self.floor is None:
            return None
        return self.value >= self.floor if self.more_is_better else self.value <= self.floor


def table(figures: Iterable[Figure]) -> str:
    """Render figures as a Markdown table; the ratio is value over baseline."""
    lines = [
        "| what | measured | floor | baseline in the same run | ratio |",
        "|---|--:|--:|---|--:|",
    ]
    for f in figures:
        floor = (
            "" if f.floor is None else f"{number(f.floor, f.unit)}{'' if f.holds else ' MISSED'}"
        )
        lines.append(
            f"| {f.name} | {number(f.value, f.unit)} | {floor} "
            f"| {f.baseline}: {number(f.baseline_value, f.unit)} | {ratio(f)} |"
        )
    return "\n".join(lines)


def ratio(figure: Figure) -> str:
    """Render a figure as a multiple of its baseline; nothing where that is zero."""
    if not figure.baseline_value:
        return ""
    return f"{figure.value / figure.baseline_value:.2f}"


def number(value: float, unit: str) -> str:
    """Render 123456 and ``/s`` as ``123,456/s``; times get three significant digits."""
    if unit == "/s":
        return f"{value:,.0f}/s"
    return f"{value:.3g} {unit}"


def median_of(rounds: int, run: Callable[[], float]) -> float:
    """Return the median of ``rounds`` results of ``run``: these machines are shared and noisy."""
    return statistics.median(run() for _ in range(rounds))


def seconds(action: Callable[[], object]) -> float:
    """Return how long ``action`` took."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def percentile(values: list[float], percent: float) -> float:
    """Return the nearest-rank percentile, 0 < percent <= 100."""
    ordered = sorted(values)
    return ordered[max(0, round(len(ordered) * percent / 100) - 1)]
