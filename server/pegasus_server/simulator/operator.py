"""The operator of the cluster: makes and drops tables, orders moves.

An order goes to every meta server, for the operator does not know who leads; the others decline.
What must come about, a table or its end, is asked for again until a meta server says so.
"""

from collections.abc import Callable, Sequence
from functools import partial

from pegasus_server.meta import error_names
from pegasus_server.meta.cluster_inputs import Balance, MovePrimary, MoveReplica
from pegasus_server.meta.inputs import CreateTable, DropTable
from pegasus_server.simulator.clock import Clock
from pegasus_server.simulator.meta_server import AdminAnswer, AdminQuestion, AdminToken
from pegasus_server.simulator.meta_store import MetaStore
from pegasus_server.simulator.workload import APP_ID
from pegasus_tab.base.ids import Gpid, NodeName

OPERATOR = "operator"
ASK_AGAIN_US = 1_000_000

Carry = Callable[[str, object], None]


class Operator:
    """Asks meta servers.

    Invariant: a wish is asked for until it came about or another took its place.

    Args:
        clock: true time.
        metas: all meta servers.
        store: of the metas; tells who holds a partition.
        carry: sends ``(target, message)``.
    """

    def __init__(
        self, clock: Clock, metas: Sequence[NodeName], store: MetaStore, carry: Carry
    ) -> None:
        self._clock = clock
        self._metas = metas
        self._store = store
        self._carry = carry
        self._ticket = 0
        self._wishes: dict[str, int] = {}

    @property
    def is_content(self) -> bool:
        """Tell whether every wish came about."""
        return not self._wishes

    def create(self, name: str, partitions: int, replicas: int) -> None:
        """Have a table."""
        ticket = self._next(name)
        request = CreateTable(
            name=name,
            partition_count=partitions,
            replica_count=replicas,
            success_if_exist=True,
            envs={},
            token=AdminToken(OPERATOR, ticket),
        )
        self._insist(name, ticket, request, 0)

    def drop(self, name: str) -> None:
        """Have no such table, and nothing left of it."""
        ticket = self._next(name)
        request = DropTable(
            name=name,
            success_if_not_exist=True,
            reserve_seconds=1,
            token=AdminToken(OPERATOR, ticket),
        )
        self._insist(name, ticket, request, 0)

    def _next(self, name: str) -> int:
        self._ticket += 1
        self._wishes[name] = self._ticket
        return self._ticket

    def _insist(
        self, name: str, ticket: int, request: CreateTable | DropTable, attempt: int
    ) -> None:
        if self._wishes.get(name) != ticket:
            return
        self._carry(self._metas[attempt % len(self._metas)], AdminQuestion(request))
        again = partial(self._insist, name, ticket, request, attempt + 1)
        self._clock.after(ASK_AGAIN_US, again)

    def move_primary(self, partition: int, target: str) -> None:
        """Want a server to lead a partition."""
        self._order(MovePrimary(Gpid(APP_ID, partition), NodeName(target), self._no_wish()))

    def move_replica(self, partition: int, target: str) -> None:
        """Want a server to have a replica of a partition instead of its first secondary."""
        gpid = Gpid(APP_ID, partition)
        record, _ = self._store.partitions.get(gpid, (None, None))
        if record is not None and record.config.secondaries:
            source = record.config.secondaries[0]
            self._order(MoveReplica(gpid, source, NodeName(target), self._no_wish()))

    def balance(self, moves_max: int) -> None:
        """Have the load spread evenly."""
        self._order(Balance(moves_max, is_rehearsal=False, token=self._no_wish()))

    def _no_wish(self) -> AdminToken:
        return AdminToken(OPERATOR, 0)

    def _order(self, order: MovePrimary | MoveReplica | Balance) -> None:
        for meta in self._metas:
            self._carry(meta, AdminQuestion(order))

    def receive(self, answer: AdminAnswer) -> None:
        """Take an answer."""
        if answer.error == error_names.OK:
            met = [name for name, ticket in self._wishes.items() if ticket == answer.ticket]
            for name in met:
                del self._wishes[name]
