"""One life of a meta server: the machine, its session with the store, and who asks it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pegasus_server.meta.cluster_effects import ClusterEffect, Resign, Send
from pegasus_server.meta.cluster_inputs import (
    Administer,
    ClusterInput,
    ClusterTick,
    Received,
)
from pegasus_server.meta.cluster_meta import ClusterMeta
from pegasus_server.meta.cluster_numbers import ClusterNumbers
from pegasus_server.meta.cure_case import CureNumbers
from pegasus_server.meta.effects import Reply
from pegasus_server.meta.inputs import MetaRequest
from pegasus_server.meta.messages import ToMeta
from pegasus_server.meta.orders import Order
from pegasus_server.meta.slowness import SlownessNumbers
from pegasus_server.simulator.meta_session import MetaSession
from pegasus_server.simulator.meta_store import StoreReply
from pegasus_server.simulator.parcels import RouteAnswer, RouteQuestion
from pegasus_server.simulator.process import Process
from pegasus_tab.base.ids import NodeName

US_PER_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class AdminQuestion:
    """The operator asks for, or orders, something; its token is an AdminToken."""

    request: MetaRequest | Order


@dataclass(frozen=True, slots=True)
class AdminToken:
    """Whom to answer what."""

    sender: str
    ticket: int


SLOWNESS: Final = SlownessNumbers(
    removals=2,
    apart_us=US_PER_SECOND,
    rest_us=2 * US_PER_SECOND,
    rest_us_max=10 * US_PER_SECOND,
)
"""Servers rest often, as worlds are short, and not for as long as these have time to heal."""


@dataclass(frozen=True, slots=True)
class AdminAnswer:
    """How that went; a framework error name."""

    ticket: int
    error: str


class MetaServer:
    """A meta server from start to death.

    Args:
        name: of this server.
        process: the program.
        carry: sends ``(target, message)``.
        return_us: see CureNumbers.

    Attributes:
        machine: the state machine.
    """

    def __init__(
        self,
        name: NodeName,
        process: Process,
        carry: Callable[[str, object], None],
        return_us: int,
    ) -> None:
        cure = CureNumbers(return_us=return_us)
        self.machine = ClusterMeta(ClusterNumbers(cure=cure, slowness=SLOWNESS))
        self._process = process
        self._carry = carry
        self._tick_at: int | None = None
        self._session = MetaSession(name, process, carry, self._drive)

    # The machine's turn.

    def _drive(self, event: ClusterInput) -> None:
        for effect in self.machine.step(event, self._process.now_us):
            self._perform(effect)
        due = self.machine.next_deadline()
        if due is not None and (self._tick_at is None or due < self._tick_at):
            self._tick_at = max(due, self._process.now_us + 1)
            self._process.at(self._tick_at, self._on_timer, self._tick_at)

    def _on_timer(self, due_us: int) -> None:
        if self._tick_at == due_us:
            self._tick_at = None
            self._drive(ClusterTick(self._process.wall_us // US_PER_SECOND))

    def _perform(self, effect: ClusterEffect) -> None:
        match effect:
            case Send():
                self._carry(effect.to, effect.message)
            case Reply():
                token = effect.token
                assert isinstance(token, AdminToken)
                self._carry(token.sender, AdminAnswer(token.ticket, effect.error))
            case Resign():
                # Not at once: the machine is in the middle of a step.
                self._process.after(0, self._session.resign, effect.reason)
            case _:
                self._session.ask(effect)

    def receive(self, sender: str, message: object) -> None:
        """Take a message."""
        match message:
            case StoreReply():
                self._session.receive(message)
            case RouteQuestion():
                self._on_route(sender, message)
            case AdminQuestion():
                self._on_operator(message.request)
            case _:
                assert isinstance(message, ToMeta)
                self._drive(Received(message))

    def _on_operator(self, request: MetaRequest | Order) -> None:
        if isinstance(request, Order):
            self._drive(request)
        else:
            self._drive(Administer(request, self._process.wall_us // US_PER_SECOND))

    def _on_route(self, sender: str, question: RouteQuestion) -> None:
        config = None
        if self.machine.surely_leads(self._process.now_us):
            partitions = self.machine.guardian.ward.partitions
            if question.gpid in partitions:
                config = partitions.record(question.gpid).config
        self._carry(sender, RouteAnswer(question.gpid, config))
