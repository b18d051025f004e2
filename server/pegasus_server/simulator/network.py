"""The network between machines: it loses, doubles, delays, reorders and cuts, link by link.

A link has a direction, so that requests may arrive whose answers are lost (F16). Messages are
values and are handed over as they are: the encoding is tested where it is written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pegasus_server.simulator.clock import Clock
from pegasus_server.simulator.entropy import Entropy, Stream

MachineName: TypeAlias = str
Deliver: TypeAlias = Callable[[MachineName, MachineName, object], None]

LATENCY_US_MIN = 50
LATE_FACTOR = 20


@dataclass(frozen=True, slots=True)
class Weather:
    """How the network treats messages.

    Attributes:
        loss: probability that a message is lost.
        duplication: probability that it comes twice.
        delay_us: mean delay above LATENCY_US_MIN, exponentially distributed.
        lateness: probability that a copy takes LATE_FACTOR times as long.
        reorders: False if a link delivers in the order of sending.
    """

    loss: float = 0.0
    duplication: float = 0.0
    delay_us: int = 200
    lateness: float = 0.0
    reorders: bool = False


CALM = Weather()


class Link:
    """One direction between two machines.

    Attributes:
        cuts: how many faults cut it now.
        last_us: when the last message sent arrives, so far.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.cuts = 0
        self.last_us = 0


class Network:
    """Carries messages between machines.

    Args:
        clock: true time.
        entropy: of the world.
        deliver: ``deliver(source, target, message)`` on arrival; the target may be dead.

    Attributes:
        weather: how it treats messages sent from now on.
        sent: how many messages were sent.
        lost: how many of them never arrived.
    """

    def __init__(self, clock: Clock, entropy: Entropy, deliver: Deliver) -> None:
        self.weather = CALM
        self.sent = 0
        self.lost = 0
        self._clock = clock
        self._entropy = entropy
        self._deliver = deliver
        self._links: dict[tuple[MachineName, MachineName], Link] = {}

    def send(
        self, source: MachineName, target: MachineName, message: object, *, once: bool = False
    ) -> None:
        """Send a message; it arrives later, perhaps twice, or not at all.

        Args:
            source: from where.
            target: where to.
            message: a value.
            once: as over one connection: never twice, and in the order of sending.
        """
        link = self._link(source, target)
        weather = self.weather
        self.sent += 1
        # One draw each whatever comes of it, so that a cut does not change what follows it.
        is_lost = link.stream.chance(weather.loss)
        is_double = link.stream.chance(weather.duplication)
        if link.cuts or is_lost:
            self.lost += 1
            return
        keeps_order = once or not weather.reorders
        for _ in range(2 if is_double and not once else 1):
            self._carry(link, weather, (source, target, message), keeps_order=keeps_order)

    def _carry(
        self,
        link: Link,
        weather: Weather,
        parcel: tuple[MachineName, MachineName, object],
        *,
        keeps_order: bool,
    ) -> None:
        delay_us = LATENCY_US_MIN + int(link.stream.exponential(weather.delay_us))
        if link.stream.chance(weather.lateness):
            delay_us *= LATE_FACTOR
        time_us = self._clock.now_us + delay_us
        if keeps_order:
            time_us = max(time_us, link.last_us)
        link.last_us = max(time_us, link.last_us)
        self._clock.at(time_us, self._arrive, link, *parcel)

    def _arrive(
        self, link: Link, source: MachineName, target: MachineName, message: object
    ) -> None:
        if link.cuts:
            self.lost += 1
            return
        self._deliver(source, target, message)

    def cut(self, source: MachineName, target: MachineName) -> None:
        """Cut one direction; what is on its way is lost too. Cuts add up."""
        self._link(source, target).cuts += 1

    def mend(self, source: MachineName, target: MachineName) -> None:
        """Take one cut back."""
        link = self._link(source, target)
        assert link.cuts > 0
        link.cuts -= 1

    def _link(self, source: MachineName, target: MachineName) -> Link:
        link = self._links.get((source, target))
        if link is None:
            link = Link(self._entropy.stream("link", f"{source}>{target}"))
            self._links[source, target] = link
        return link
