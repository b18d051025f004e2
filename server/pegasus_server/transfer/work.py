"""What a worker does all its life: carry out orders, one after the other, and tell how it went."""

import sys

from pegasus_server.storage.engine import EngineDamaged, EngineUnavailable
from pegasus_server.transfer.manners import orders_of_parent
from pegasus_server.transfer.order import Answer, Failed, WorkerOrder, decode_order, encode
from pegasus_server.transfer.steps import step_of
from pegasus_tab.base.errors import DataError, Error, NotSupportedError, ProgrammingError
from pegasus_tab.export.errors import NameTaken, Unwritable
from pegasus_tab.tabular.errors import UnknownLayout

_FINAL = (ProgrammingError, DataError, NotSupportedError, NameTaken, Unwritable, UnknownLayout)
"""Trying again cannot help."""


def work() -> None:
    """Carry out the orders on standard input; ends with the parent."""
    for line in orders_of_parent():
        _tell(_outcome(decode_order(line)))


def _outcome(order: WorkerOrder) -> Answer:
    try:
        return step_of(order)(order, _tell)
    except UnknownLayout as error:
        hint = "The table was altered while it was exported; run the same statement again."
        return Failed(message=error.message, hint=hint, sqlstate=error.sqlstate, is_final=True)
    except Error as error:
        return Failed(
            message=error.message,
            hint=error.hint or "",
            sqlstate=error.sqlstate,
            is_final=isinstance(error, _FINAL),
        )
    except (EngineDamaged, EngineUnavailable, OSError, MemoryError) as error:
        return Failed(message=f"the checkpoint could not be read: {error}", sqlstate="58030")


def _tell(answer: Answer) -> None:
    sys.stdout.buffer.write(encode(answer) + b"\n")
    sys.stdout.buffer.flush()
