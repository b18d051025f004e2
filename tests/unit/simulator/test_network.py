"""What the network does to messages."""

from pegasus_server.simulator.clock import Clock
from pegasus_server.simulator.entropy import Entropy
from pegasus_server.simulator.network import Network, Weather


class Listener:
    """A network with an ear at the other end."""

    def __init__(self, weather: Weather) -> None:
        self.clock = Clock()
        self.heard: list[object] = []
        self.network = Network(self.clock, Entropy(1), self._hear)
        self.network.weather = weather

    def _hear(self, source: str, target: str, message: object) -> None:
        assert {source, target} == {"a", "b"}
        self.heard.append(message)

    def send(self, count: int, source: str = "a", target: str = "b") -> None:
        for number in range(count):
            self.network.send(source, target, number)
        self.clock.run_until(self.clock.now_us + 60_000_000)


def test_calm_keeps_the_order_of_a_link() -> None:
    listener = Listener(Weather(delay_us=1000))
    listener.send(100)
    assert listener.heard == list(range(100))


def test_loss_duplication_and_reordering() -> None:
    listener = Listener(Weather(loss=0.3, duplication=0.5, reorders=True))
    listener.send(1000)
    assert 600 < len(set(listener.heard)) < 800
    assert len(listener.heard) > 1.3 * len(set(listener.heard))
    assert listener.heard != sorted(listener.heard, key=str)
    assert listener.network.lost == 1000 - len(set(listener.heard))


def test_a_cut_has_a_direction_and_adds_up() -> None:
    listener = Listener(Weather())
    listener.network.cut("a", "b")
    listener.network.cut("a", "b")
    listener.network.mend("a", "b")
    listener.send(1)
    assert listener.heard == []
    listener.send(1, "b", "a")
    assert listener.heard == [0]
    listener.network.mend("a", "b")
    listener.send(1)
    assert listener.heard == [0, 0]


def test_a_cut_takes_what_is_on_its_way() -> None:
    listener = Listener(Weather(delay_us=1000))
    listener.network.send("a", "b", "late")
    listener.network.cut("a", "b")
    listener.clock.run_until(60_000_000)
    assert listener.heard == []


def test_a_cut_does_not_change_the_luck_of_others() -> None:
    """What is lost after a cut is what would have been lost without it."""

    def heard_after(cut: bool) -> set[object]:
        listener = Listener(Weather(loss=0.5))
        if cut:
            listener.network.cut("a", "b")
        listener.send(10)
        if cut:
            listener.network.mend("a", "b")
        listener.heard.clear()
        for number in range(100, 150):
            listener.network.send("a", "b", number)
        listener.clock.run_until(listener.clock.now_us + 60_000_000)
        return set(listener.heard)

    assert heard_after(cut=False) & heard_after(cut=True)
