"""Carries the schedule's faults out, and ends them."""

from collections.abc import Mapping
from typing import Any, Protocol

from pegasus_server.replication.inputs import ReplicaFailed
from pegasus_server.simulator.clock import Clock
from pegasus_server.simulator.entropy import Entropy
from pegasus_server.simulator.machine import Machine
from pegasus_server.simulator.machine_disk import MachineDisk
from pegasus_server.simulator.meta_store import MetaStore
from pegasus_server.simulator.network import Network
from pegasus_server.simulator.operator import Operator
from pegasus_server.simulator.replica_server import ReplicaServer
from pegasus_server.simulator.schedule import Fault, FaultKind, Loss
from pegasus_server.simulator.watch import Watch
from pegasus_server.simulator.workload import APP_ID
from pegasus_tab.base.ids import Gpid

PER_MILLE = 1000
PER_MILLION = 1_000_000
SIDE_PARTITIONS, SIDE_REPLICAS = 2, 3
DAMAGING = frozenset(
    {FaultKind.BIT_ROT, FaultKind.ENGINE_FAILS, FaultKind.WIPE, FaultKind.MISDIRECT}
)
"""Faults after which a copy may be gone."""


class Stage(Protocol):
    """What faults act on."""

    clock: Clock
    entropy: Entropy
    network: Network
    store: MetaStore
    watch: Watch
    operator: Operator

    @property
    def machines(self) -> Mapping[str, Machine[Any]]:
        """Every machine by name."""

    @property
    def disks(self) -> Mapping[str, MachineDisk]:
        """The replica servers' disks by name."""

    @property
    def servers(self) -> Mapping[str, Machine[ReplicaServer]]:
        """The replica servers among them."""

    def storm(self, loss: float) -> None:
        """Have the network lose this share more."""


class Faults:
    """The faults under way.

    Invariant: each that began ends once, by its time or by ``end_all``.

    Args:
        stage: the world.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._active: list[Fault] = []

    def begin(self, fault: Fault) -> None:
        """Let something go wrong; on a machine that this world has not, nothing."""
        named = {fault.target} | ({str(fault.argument)} if fault.kind is FaultKind.CUT else set())
        if not named <= {"", *self._stage.machines}:
            return
        if fault.kind in DAMAGING and not self._has_spare(fault.target):
            return
        self._stage.watch.note(f"fault {fault}")
        self._active.append(fault)
        self._switch(fault, is_on=True)
        self._stage.clock.after(max(fault.duration_us, 1), self.end, fault)

    def end(self, fault: Fault) -> None:
        """Put it right, unless that was done already."""
        for index, each in enumerate(self._active):
            if each is fault:
                del self._active[index]
                self._stage.watch.note(f"end of {fault}")
                self._switch(fault, is_on=False)
                return

    def end_all(self) -> None:
        """Put everything right."""
        for fault in tuple(self._active):
            self.end(fault)

    def _switch(self, fault: Fault, *, is_on: bool) -> None:
        match fault.kind:
            case FaultKind.KILL | FaultKind.POWER | FaultKind.FREEZE:
                self._switch_process(fault, is_on=is_on)
            case FaultKind.CUT | FaultKind.ISOLATE:
                self._switch_links(fault, is_on=is_on)
            case FaultKind.STORM:
                loss = int(fault.argument) / PER_MILLE
                self._stage.storm(loss if is_on else -loss)
            case FaultKind.STORE_DOWN:
                self._stage.store.is_down = is_on
            case FaultKind.STORE_FORGETS:
                self._stage.store.forgets_answers = is_on
            case FaultKind.MOVE_PRIMARY | FaultKind.MOVE_REPLICA | FaultKind.BALANCE:
                if is_on:
                    self._order(fault)
            case FaultKind.TABLE:
                self._switch_table(fault, is_on=is_on)
            case FaultKind.ENGINE_FAILS | FaultKind.WIPE | FaultKind.MISDIRECT:
                self._switch_data(fault, is_on=is_on)
            case FaultKind.WALL_JUMP:
                clocks = self._stage.machines[fault.target].clocks
                clocks.wall_offset_us += int(fault.argument) * (1 if is_on else -1)
            case _:
                self._switch_disk(fault, is_on=is_on)

    def _switch_process(self, fault: Fault, *, is_on: bool) -> None:
        machine = self._stage.machines[fault.target]
        if fault.kind is FaultKind.FREEZE:
            if is_on:
                machine.process.stop(reads_first=fault.argument == 1)
            elif machine.process.is_stopped:
                machine.process.go_on()
            return
        self._switch_life(machine, is_on=is_on)
        disk = self._stage.disks.get(fault.target)
        if is_on and fault.kind is FaultKind.POWER and disk is not None:
            name = f"{fault.target}.{fault.time_us}"
            disk.log.lose_power(self._stage.entropy.stream("power", name))

    def _switch_life(self, machine: Machine[Any], *, is_on: bool) -> None:
        """Kill a machine's program, or start it if nothing else keeps it down."""
        machine.downs += 1 if is_on else -1
        if is_on:
            machine.kill()
        else:
            machine.start()

    def _restart(self, machine: Machine[Any]) -> None:
        self._switch_life(machine, is_on=True)
        self._switch_life(machine, is_on=False)

    def _switch_links(self, fault: Fault, *, is_on: bool) -> None:
        network, target = self._stage.network, fault.target
        change = network.cut if is_on else network.mend
        if fault.kind is FaultKind.CUT:
            change(target, str(fault.argument))
            return
        for other in self._stage.machines:
            if other != target:
                change(target, other)
                change(other, target)

    def _has_spare(self, target: str) -> bool:
        """Tell whether every partition that counts on a server counts on another one as well.

        A promise about data needs one whole copy (the fault atlas of reliability reference 5.4).
        """
        configs = [record.config for record, _ in self._stage.store.partitions.values()]
        return all(len(each.members) > 1 for each in configs if target in each.members)

    def _switch_data(self, fault: Fault, *, is_on: bool) -> None:
        """Damage what one server keeps; at the end of the fault it is running again."""
        machine, disk = self._stage.servers[fault.target], self._stage.disks[fault.target]
        match fault.kind:
            case FaultKind.WIPE:
                self._switch_life(machine, is_on=is_on)
                if is_on:
                    disk.lose(Loss(int(fault.argument)))
            case FaultKind.MISDIRECT:
                disk.log.fault.astray_bytes = int(fault.argument) if is_on else 0
                if not is_on:
                    self._restart(machine)
            case _ if is_on:
                gpid = Gpid(APP_ID, int(fault.argument))
                if machine.program is not None and gpid in machine.program.replicas:
                    machine.program.replicas[gpid].drive(ReplicaFailed("injected: EIO"))
            case _:
                self._switch_life(machine, is_on=True)
                disk.clear_quarantine()
                self._switch_life(machine, is_on=False)

    def _order(self, fault: Fault) -> None:
        operator, number = self._stage.operator, int(fault.argument)
        match fault.kind:
            case FaultKind.MOVE_PRIMARY:
                operator.move_primary(number, fault.target)
            case FaultKind.MOVE_REPLICA:
                operator.move_replica(number, fault.target)
            case _:
                operator.balance(number)

    def _switch_table(self, fault: Fault, *, is_on: bool) -> None:
        name = f"side{fault.argument}"
        if is_on:
            self._stage.operator.create(name, SIDE_PARTITIONS, SIDE_REPLICAS)
        else:
            self._stage.operator.drop(name)

    def _switch_disk(self, fault: Fault, *, is_on: bool) -> None:
        disk = self._stage.disks[fault.target].log
        match fault.kind:
            case FaultKind.SYNC_FAILS:
                disk.fault.fails_sync = is_on
            case FaultKind.DISK_FULL:
                disk.fault.is_full = is_on
            case FaultKind.DISK_SLOW:
                disk.fault.latency_us = int(fault.argument) if is_on else 0
            case FaultKind.BIT_ROT:
                if is_on and disk.names():
                    name = disk.names()[0]
                    used = len(disk.read(name).rstrip(b"\0"))
                    disk.file(name).flip_bit(8 * used * int(fault.argument) // PER_MILLION)
            case _:
                raise AssertionError(f"{fault.kind} is no fault of a disk")
