"""The language of failure detector scenarios: commands, ``---``, the exact trace.

Workers' leases and meta's detectors, the real machines, over a network of this file. Times are
milliseconds. A block's trace ends with who serves, and whom a leader counts as alive.

    metas m1 m2 | workers r1 r2      make servers
    lead m1 EPOCH | follow m1 [m2]   m1 is elected; m1 does not lead (and forwards to m2)
    pass MS                          let time pass
    cut A B | heal A B               lose everything on that way, in this direction
    delay A B MS                     everything on that way takes so long from now on
    stop r1 | go r1 [acks]           SIGSTOP; SIGCONT: first the timers, or the acks that waited
    restart r1 | leave r1            a later process; a clean end
    rate r1 PERMILLE                 its clock runs so much too fast (before any time passed)
    store m1 off|on                  the store answers m1, or does not

The judge: a worker that a leader gave up by the clock serves nothing.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from pegasus_server.meta.failure_detector import FailureDetector, Liveness, NodeLost
from pegasus_server.meta.leadership import Leadership, Leading
from pegasus_server.meta.lease_numbers import LeaseNumbers
from pegasus_server.meta.messages import Bye
from pegasus_server.meta.worker_lease import (
    BeaconAnswered,
    LeaseInput,
    LeaseLapsed,
    LeaseTick,
    Leave,
    SendBeacon,
    SendBye,
    WorkerLease,
)
from pegasus_tab.base.cluster import Beacon, BeaconAck
from pegasus_tab.base.ids import NodeName

US_PER_MS = 1_000
SESSION_US = 10_000_000
NUMBERS = LeaseNumbers()
Words: TypeAlias = Sequence[str]
Message: TypeAlias = Beacon | BeaconAck | Bye


@dataclass
class Worker:
    """A replica server's lease, and its clock."""

    lease: WorkerLease
    incarnation: int = 1
    rate: int = 0
    is_stopped: bool = False
    target: str = ""
    waiting: deque[BeaconAnswered] = field(default_factory=deque)

    def local_us(self, now_us: int) -> int:
        return now_us * (1000 + self.rate) // 1000

    def true_us(self, local_us: int) -> int:
        return -(-local_us * 1000 // (1000 + self.rate))

    def serves(self, now_us: int) -> bool:
        return not self.is_stopped and self.lease.is_held(self.local_us(now_us))


@dataclass
class Meta:
    """A meta server's leadership and, while it leads, its detector."""

    leadership: Leadership = field(default_factory=Leadership)
    detector: FailureDetector | None = None
    has_store: bool = True
    given_up: set[str] = field(default_factory=set)


class LeaseScenario:
    """Runs the commands of one script."""

    def __init__(self) -> None:
        self.now_us = 0
        self.metas: dict[NodeName, Meta] = {}
        self.workers: dict[NodeName, Worker] = {}
        self._trace: list[str] = []
        self._cuts: set[tuple[str, str]] = set()
        self._delays: dict[tuple[str, str], int] = {}
        self._messages: list[tuple[int, int, NodeName, NodeName, Message]] = []
        self._order = count()

    def run(self, command: str) -> list[str]:
        """Carry out one command; return its trace."""
        verb, *words = command.split()
        getattr(self, f"do_{verb}")(words)
        lines, self._trace = self._trace, []
        return lines

    def states(self) -> list[str]:
        """Say who serves, and whom each leader counts as alive."""
        lines = []
        for name, worker in self.workers.items():
            until = worker.lease.lease_until_us // US_PER_MS
            state = f"serves until {until}" if worker.serves(self.now_us) else "serves nothing"
            lines.append(f"{name} {'is stopped' if worker.is_stopped else state}")
        for name, meta in self.metas.items():
            if meta.detector is not None:
                lines.append(f"{name} counts as alive: {', '.join(meta.detector.alive()) or '-'}")
        return lines

    # Commands.

    def do_metas(self, words: Words) -> None:
        self.metas = {NodeName(each): Meta() for each in words}

    def do_workers(self, words: Words) -> None:
        for each in words:
            self._start(NodeName(each), 1, 0)

    def _start(self, name: NodeName, incarnation: int, rate: int) -> None:
        lease = WorkerLease(name, incarnation, name, list(self.metas), NUMBERS)
        self.workers[name] = Worker(lease, incarnation, rate)

    def do_lead(self, words: Words) -> None:
        meta = self.metas[NodeName(words[0])]
        meta.leadership.elect(int(words[1]), SESSION_US, self.now_us)
        meta.leadership.loaded()
        meta.detector = FailureDetector(NUMBERS, list(self.workers), self.now_us)
        meta.given_up.clear()

    def do_follow(self, words: Words) -> None:
        meta = self.metas[NodeName(words[0])]
        meta.leadership.depose(NodeName(words[1]) if len(words) > 1 else None)
        meta.detector = None

    def do_cut(self, words: Words) -> None:
        self._cuts.add((words[0], words[1]))

    def do_heal(self, words: Words) -> None:
        self._cuts.discard((words[0], words[1]))

    def do_delay(self, words: Words) -> None:
        self._delays[words[0], words[1]] = int(words[2]) * US_PER_MS

    def do_store(self, words: Words) -> None:
        self.metas[NodeName(words[0])].has_store = words[1] == "on"

    def do_rate(self, words: Words) -> None:
        self.workers[NodeName(words[0])].rate = int(words[1])

    def do_stop(self, words: Words) -> None:
        self.workers[NodeName(words[0])].is_stopped = True

    def do_go(self, words: Words) -> None:
        name = NodeName(words[0])
        worker = self.workers[name]
        worker.is_stopped = False
        events: list[LeaseInput] = [LeaseTick(), *worker.waiting]
        if "acks" in words:
            events = [*worker.waiting, LeaseTick()]
        worker.waiting.clear()
        for event in events:
            self._step(name, event)

    def do_restart(self, words: Words) -> None:
        name = NodeName(words[0])
        before = self.workers[name]
        self._start(name, before.incarnation + 1, before.rate)
        for meta in self.metas.values():
            meta.given_up.discard(name)

    def do_leave(self, words: Words) -> None:
        self._step(NodeName(words[0]), Leave())

    def do_pass(self, words: Words) -> None:
        until_us = self.now_us + int(words[0]) * US_PER_MS
        while (due_us := self._next_us()) is not None and due_us <= until_us:
            self.now_us = max(self.now_us, due_us)
            self._act()
            self._judge()
        self.now_us = until_us
        self._act()
        self._judge()

    # Time.

    def _next_us(self) -> int | None:
        due = [self._messages[0][0]] if self._messages else []
        for worker in self.workers.values():
            local_us = worker.lease.next_deadline()
            if local_us is not None and not worker.is_stopped:
                due.append(worker.true_us(local_us))
        for meta in self.metas.values():
            lost_us = meta.detector.next_deadline() if meta.detector is not None else None
            if lost_us is not None:
                due.append(lost_us)
        return min(due, default=None)

    def _act(self) -> None:
        """Do all that is due now."""
        while self._messages and self._messages[0][0] <= self.now_us:
            _, _, source, target, message = heapq.heappop(self._messages)
            self._arrive(source, target, message)
        for name, worker in self.workers.items():
            due_us = worker.lease.next_deadline()
            if due_us is None or worker.is_stopped:
                continue
            if due_us <= worker.local_us(self.now_us):
                self._step(name, LeaseTick())
        for meta_name, meta in self.metas.items():
            if meta.has_store:
                meta.leadership.note_store_alive(self.now_us)
            if meta.detector is not None:
                self._note(meta_name, meta.detector.look(self.now_us), by_clock=True)

    def _judge(self) -> None:
        for meta_name, meta in self.metas.items():
            for name in sorted(meta.given_up):
                if meta.detector is not None and self.workers[NodeName(name)].serves(self.now_us):
                    self._say(f"JUDGE: {name} serves although {meta_name} gave it up")

    # Messages.

    def _send(self, source: NodeName, target: NodeName, message: Message) -> None:
        if (source, target) not in self._cuts:
            at_us = self.now_us + self._delays.get((source, target), 0)
            heapq.heappush(self._messages, (at_us, next(self._order), source, target, message))

    def _arrive(self, source: NodeName, target: NodeName, message: Message) -> None:
        match message:
            case BeaconAck():
                answered = BeaconAnswered(source, message)
                if self.workers[target].is_stopped:
                    self.workers[target].waiting.append(answered)
                else:
                    self._step(target, answered)
            case Beacon():
                self._on_beacon(target, message)
            case Bye():
                meta = self.metas[target]
                if meta.detector is not None:
                    self._note(target, meta.detector.on_bye(message), by_clock=False)

    def _on_beacon(self, meta_name: NodeName, beacon: Beacon) -> None:
        meta = self.metas[meta_name]
        role = meta.leadership.role
        if not isinstance(role, Leading) or meta.detector is None:
            forward = meta.leadership.forward
            ack = BeaconAck(beacon.sent_us, 0, is_leader=False, forward=forward)
            self._send(meta_name, beacon.node, ack)
            return
        changes = meta.detector.on_beacon(beacon, self.now_us)
        meta.given_up.discard(beacon.node)
        self._note(meta_name, changes or [], by_clock=False)
        if changes is not None and meta.leadership.surely_leads(self.now_us):
            self._send(meta_name, beacon.node, BeaconAck(beacon.sent_us, role.epoch))

    def _note(self, meta_name: NodeName, changes: Sequence[Liveness], *, by_clock: bool) -> None:
        for change in changes:
            self._say(f"{meta_name}: {type(change).__name__} {change.node}")
            if by_clock and isinstance(change, NodeLost):
                self.metas[meta_name].given_up.add(change.node)

    def _step(self, name: NodeName, event: LeaseInput) -> None:
        worker = self.workers[name]
        for effect in worker.lease.step(event, worker.local_us(self.now_us)):
            match effect:
                case SendBeacon():
                    if worker.target != effect.to:
                        worker.target = effect.to
                        self._say(f"{name} sends its beacons to {effect.to}")
                    self._send(name, effect.to, effect.beacon)
                case SendBye():
                    self._say(f"{name} says bye to {effect.to}")
                    self._send(name, effect.to, effect.bye)
                case LeaseLapsed():
                    self._say(f"{name}: lease lapsed, epoch {effect.lease_epoch}")
                case _:
                    self._say(f"{name}: {effect}")

    def _say(self, text: str) -> None:
        self._trace.append(f"{self.now_us // US_PER_MS} {text}")


def replay(text: str) -> str:
    """Run a script's commands and write down what they give now."""
    scenario = LeaseScenario()
    blocks = []
    for block in text.split("\n\n"):
        commands = block.split("\n---\n")[0].strip("\n").removesuffix("\n---").split("\n")
        lines = [line for line in commands if line and not line.startswith("#")]
        if not lines:
            blocks.append(block.strip("\n"))
            continue
        trace = [line for command in lines for line in scenario.run(command)]
        blocks.append("\n".join([*commands, "---", *trace, *scenario.states()]))
    return "\n\n".join(blocks) + "\n"
