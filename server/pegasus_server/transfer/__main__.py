"""``python -m pegasus_server.transfer``: carry out the order on standard input, tell on output."""

import sys

from pegasus_server.storage.engine import EngineDamaged, EngineUnavailable
from pegasus_server.transfer.manners import end_with_parent, yield_to_others
from pegasus_server.transfer.order import Answer, Failed, decode_order, encode
from pegasus_server.transfer.steps import step_of
from pegasus_tab.base.errors import DataError, Error, NotSupportedError, ProgrammingError
from pegasus_tab.export.errors import NameTaken
from pegasus_tab.tabular.errors import UnknownLayout

_FINAL = (ProgrammingError, DataError, NotSupportedError, NameTaken, UnknownLayout)
"""Trying again cannot help."""


def main() -> int:
    """Carry out one order; the exit code is 0 when the outcome was told."""
    order = decode_order(sys.stdin.buffer.readline())
    yield_to_others()
    end_with_parent()
    try:
        answer: Answer = step_of(order)(order, _tell)
    except UnknownLayout as error:
        hint = "The table was altered while it was exported; run the same statement again."
        answer = Failed(message=error.message, hint=hint, sqlstate=error.sqlstate, is_final=True)
    except Error as error:
        answer = Failed(
            message=error.message,
            hint=error.hint or "",
            sqlstate=error.sqlstate,
            is_final=isinstance(error, _FINAL),
        )
    except (EngineDamaged, EngineUnavailable, OSError, MemoryError) as error:
        answer = Failed(message=f"the checkpoint could not be read: {error}", sqlstate="58030")
    _tell(answer)
    return 0


def _tell(answer: Answer) -> None:
    sys.stdout.buffer.write(encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    # No clean-up at the end: abandoned calls of a dead filesystem would be waited for.
    import os

    code = main()
    os._exit(code)
