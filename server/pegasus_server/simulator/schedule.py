"""The faults of a run as an explicit list, made before the run begins; as JSON, a replay.

Because the list is the whole truth, a failing run is shrunk by leaving entries out
(reliability reference 5.4).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum, StrEnum, unique
from typing import Any

FORMAT = 1


@unique
class FaultKind(StrEnum):
    """What can go wrong; ``target`` and ``argument`` as said. Rows of reliability reference 3.

    KILL: process ``target`` dies and starts again after the duration (F01-F04).
    POWER: machine ``target`` loses power, unsynced sectors and all; starts again after (F06, F07).
    FREEZE: process ``target`` is stopped and goes on after; its clock runs on (F08-F11). With
        argument 1 it takes the messages that waited before its timers.
    CUT: nothing goes from ``target`` to machine ``argument`` (F14-F17).
    ISOLATE: nothing goes to or from ``target``.
    STORM: the network loses ``argument`` per mille of all messages (F18).
    SYNC_FAILS: syncs of ``target`` fail with EIO (F25).
    DISK_FULL: the disk of ``target`` is full (F27).
    DISK_SLOW: each sync of ``target`` takes ``argument`` us more (F28).
    BIT_ROT: one bit in the log of ``target`` flips, at ``argument`` per million of its length (F29).
    WALL_JUMP: the wall clock of ``target`` moves by ``argument`` us and back after (F12).
    STORE_DOWN: the metas' store answers nobody (F20).
    STORE_FORGETS: the store does what it is asked and its answers are lost (F23).
    ENGINE_FAILS: the engine of the replica of partition ``argument`` on ``target`` fails; after the
        duration the server restarts without that replica's data (F26).
    WIPE: ``target`` dies, loses what ``argument`` (a Loss) says, and starts again after (F33-F35).
    MISDIRECT: writes into the log of ``target`` land ``argument`` bytes away; then it dies and
        starts again one second after.
    MOVE_PRIMARY: the operator wants ``target`` to lead partition ``argument``.
    MOVE_REPLICA: the operator wants a replica of partition ``argument`` on ``target``.
    BALANCE: the operator orders a balance of up to ``argument`` moves.
    TABLE: table number ``argument`` is made, and dropped after the duration.
    """

    KILL = "kill"
    POWER = "power"
    FREEZE = "freeze"
    CUT = "cut"
    ISOLATE = "isolate"
    STORM = "storm"
    SYNC_FAILS = "sync_fails"
    DISK_FULL = "disk_full"
    DISK_SLOW = "disk_slow"
    BIT_ROT = "bit_rot"
    WALL_JUMP = "wall_jump"
    STORE_DOWN = "store_down"
    STORE_FORGETS = "store_forgets"
    ENGINE_FAILS = "engine_fails"
    WIPE = "wipe"
    MISDIRECT = "misdirect"
    MOVE_PRIMARY = "move_primary"
    MOVE_REPLICA = "move_replica"
    BALANCE = "balance"
    TABLE = "table"


@unique
class Loss(IntEnum):
    """What a wiped server loses: everything, or the folders of its replicas.

    That a log is gone with everything that names it, nobody notices (decision record 3).
    """

    ALL = 0
    FOLDERS = 1


class ScheduleFormatError(ValueError):
    """The text is no schedule; it says what is missing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        time_us: when, true time.
        kind: what.
        target: the machine, "" where there is none.
        argument: a number, or the other machine of a cut.
        duration_us: until it is over; 0 for what happens in one moment.
    """

    time_us: int
    kind: FaultKind
    target: str
    argument: int | str
    duration_us: int

    def __str__(self) -> str:
        """Render on one line."""
        seconds, duration = self.time_us / 1e6, self.duration_us / 1e6
        return f"{seconds:.3f}s {self.kind} {self.target} {self.argument} for {duration:.3f}s"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A whole run: what the world is like and what goes wrong.

    Attributes:
        seed: of everything that is drawn during the run.
        knobs: fields of ``Knobs`` by name.
        faults: in order of time.
    """

    seed: int
    knobs: Mapping[str, Any]
    faults: tuple[Fault, ...]

    def with_faults(self, faults: Sequence[Fault]) -> "Schedule":
        """Return the schedule with these faults only."""
        return Schedule(self.seed, self.knobs, tuple(faults))

    def to_json(self) -> str:
        """Write it as JSON, one fault a line."""
        lines = ",\n".join("    " + json.dumps(asdict(fault)) for fault in self.faults)
        return (
            f'{{\n  "format": {FORMAT},\n  "seed": {self.seed},\n'
            f'  "knobs": {json.dumps(dict(self.knobs))},\n  "faults": [\n{lines}\n  ]\n}}\n'
        )

    @classmethod
    def from_json(cls, text: str) -> "Schedule":
        """Read what ``to_json`` wrote.

        Raises:
            ScheduleFormatError: it is something else.
        """
        try:
            content = json.loads(text)
            if content["format"] != FORMAT:
                raise ScheduleFormatError(
                    f"a schedule of format {content['format']}, this simulator knows {FORMAT}"
                )
            faults = tuple(_fault(each) for each in content["faults"])
            return cls(int(content["seed"]), dict(content["knobs"]), faults)
        except (KeyError, TypeError, ValueError) as error:
            raise ScheduleFormatError(f"not a schedule: {error}") from error


def _fault(content: Mapping[str, Any]) -> Fault:
    return Fault(
        int(content["time_us"]),
        FaultKind(content["kind"]),
        str(content["target"]),
        content["argument"],
        int(content["duration_us"]),
    )
