"""A physical batch that remembers its encoded form, so that no server encodes what it received."""

from collections.abc import Sequence

from pegasus_server.data import physical_batch
from pegasus_server.storage.engine import Change


class CarriedBatch(list[Change]):
    """The changes of a mutation that came from another server, with the bytes they came in.

    Args:
        body: as made by ``physical_batch.encode``.

    Attributes:
        body: the same.

    Raises:
        BatchDamaged: the bytes are no physical batch.
    """

    __slots__ = ("body",)

    def __init__(self, body: bytes) -> None:
        super().__init__(physical_batch.decode(body))
        self.body = body


class BatchEncoder:
    """Encodes the batches of one server; the log and the prepares of a mutation share one result.

    The machines hand out AppendLog and then Prepare with the same object, so it is enough to
    remember the last one.
    """

    def __init__(self) -> None:
        self._changes: Sequence[Change] = ()
        self._body = physical_batch.encode(())

    def body(self, changes: Sequence[Change]) -> bytes:
        """Return the encoded form of a batch."""
        if isinstance(changes, CarriedBatch):
            return changes.body
        if changes is not self._changes:
            self._body = physical_batch.encode(changes)
            self._changes = changes
        return self._body
