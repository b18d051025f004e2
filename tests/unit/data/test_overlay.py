"""The overlay: prepared changes on top of the engine, taken off in order."""

import pytest

from pegasus_server.data.overlay import Overlay
from pegasus_server.storage.memory import MemoryEngine
from pegasus_tab.base.ids import Decree


@pytest.fixture
def engine() -> MemoryEngine:
    engine = MemoryEngine()
    engine.apply([(b"k", b"applied")], Decree(1))
    return engine


def test_the_last_prepared_change_is_seen_until_it_settles(engine: MemoryEngine) -> None:
    overlay = Overlay(engine)
    assert overlay.get(b"k") == b"applied"
    overlay.prepare([(b"k", b"one"), (b"k", b"two")])
    overlay.prepare([(b"k", None)])
    assert overlay.get(b"k") is None
    overlay.settle([(b"k", b"one"), (b"k", b"two")])
    assert overlay.get(b"k") is None
    overlay.settle([(b"k", None)])
    assert overlay.get(b"k") == b"applied"


def test_a_withdrawn_change_gives_back_the_one_before_it(engine: MemoryEngine) -> None:
    overlay = Overlay(engine)
    overlay.prepare([(b"k", b"one")])
    overlay.prepare([(b"k", b"two"), (b"j", b"new")])
    overlay.withdraw([(b"k", b"two"), (b"j", b"new")])
    assert overlay.get(b"k") == b"one"
    assert overlay.get(b"j") is None
    overlay.settle([(b"k", b"one")])
    assert overlay.get(b"k") == b"applied"


def test_settling_out_of_order_is_a_programming_error(engine: MemoryEngine) -> None:
    overlay = Overlay(engine)
    overlay.prepare([(b"k", b"one"), (b"k", b"two")])
    with pytest.raises(AssertionError):
        overlay.settle([(b"k", b"two")])
