"""What a worker process is told, and what it says: JSON, one order in, a line for each answer out."""

from typing import Any, Literal

import msgspec

Step = Literal["open", "partition", "finish", "abandon"]


class WorkerOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One task.

    Attributes:
        kind: of the job, such as export.
        step: which part of it.
        job: its number.
        attempt: counts from 1 for each task of the job.
        partition: index; 0 for a step that is about the whole table.
        options: of the job, as its kind understands them.
        plan: what the ``open`` step answered; empty for that step itself.
        checkpoint: path of the partition's checkpoint; empty for other steps.
        decree: of the checkpoint.
        pinned: unix seconds at which it was made.
        bytes_per_second: how fast to write; 0 for no limit.
        server: "host:port" at which this server serves clients.
        metas: "host:port" of each meta server.
    """

    kind: str
    step: Step
    job: int
    attempt: int
    partition: int
    options: dict[str, Any]
    plan: dict[str, Any]
    checkpoint: str = ""
    decree: int = 0
    pinned: int = 0
    bytes_per_second: int = 0
    server: str = ""
    metas: tuple[str, ...] = ()


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """How far the task is.

    Attributes:
        rows: done.
        bytes: written.
        rows_total: an estimate; 0 if there is none.
    """

    rows: int = 0
    bytes: int = 0
    rows_total: int = 0


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """The task is done; ``result`` is what its kind makes of it, with its last progress."""

    result: dict[str, Any]
    rows: int = 0
    bytes: int = 0


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The task failed.

    Attributes:
        message: the fault, one sentence.
        hint: what to do.
        sqlstate: five characters.
        is_final: trying again cannot help.
    """

    message: str
    hint: str = ""
    sqlstate: str = "58000"
    is_final: bool = False


Answer = Progress | Done | Failed

encode = msgspec.json.Encoder().encode
decode_order = msgspec.json.Decoder(WorkerOrder).decode
decode_answer = msgspec.json.Decoder(Answer).decode
