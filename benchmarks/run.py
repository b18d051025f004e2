"""What one run of a load showed."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.figure import percentile


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of a load showed.

    Attributes:
        operations: how many.
        seconds: from the first frame to the last reply.
        cpu_seconds: of each process that took part, by name.
        latencies_ms: of each operation, from handing its frame to the kernel to seeing its reply.
    """

    operations: int
    seconds: float
    cpu_seconds: Mapping[str, float]
    latencies_ms: list[float]

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds

    @property
    def cpu_us(self) -> float:
        """CPU time of all processes together for one operation, microseconds."""
        return sum(self.cpu_seconds.values()) / self.operations * 1e6

    def latency_ms(self, percent: float) -> float:
        """Return a percentile of the latencies."""
        return percentile(self.latencies_ms, percent)

    def cpu_line(self, name: str) -> str:
        """Tell where the CPU time of an operation went, one line."""
        shares = [f"{who} {s / self.operations * 1e6:.1f}" for who, s in self.cpu_seconds.items()]
        return f"{name}: CPU us per operation: {', '.join(shares)}, together {self.cpu_us:.1f}"
