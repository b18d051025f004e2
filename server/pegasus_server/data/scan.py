"""GET_SCANNER, SCAN and CLEAR_SCANNER: scans that clients walk page by page (protocol reference 8)."""

from pegasus_server.data.key_filter import FILTER_TYPES
from pegasus_server.data.scan_context import (
    SCAN_ENDED,
    PartitionPlace,
    ScanContext,
    ScanPage,
    begin_scan,
)
from pegasus_server.data.time_budget import TimeBudget
from pegasus_server.storage.engine import Engine
from pegasus_tab.base.limits import SCAN_CONTEXT_SECONDS_MAX, SCAN_CONTEXTS_MAX
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.messages_scan import GetScannerRequest


class ScanContexts:
    """The scans under way on one replica.

    A context is good for one SCAN, which goes on under a new id. It holds the next key and not an
    iterator, so forgetting one costs its client a restart and the server nothing.

    Invariants: ids are used once; contexts lie in the order they were last used, so the ones to
    forget are in front; there are at most SCAN_CONTEXTS_MAX.

    Args:
        first_id: >= 0, chosen so that ids of an earlier process are not met again.
    """

    def __init__(self, first_id: int) -> None:
        assert first_id >= 0
        self._next_id = first_id
        self._contexts: dict[int, tuple[ScanContext, float]] = {}

    def __len__(self) -> int:
        return len(self._contexts)

    def get_scanner(
        self,
        engine: Engine,
        request: GetScannerRequest,
        now: int,
        budget: TimeBudget,
        place: PartitionPlace | None = None,
    ) -> ScanPage:
        """Begin a scan and give its first page.

        Args:
            engine: the rows.
            request: what to scan.
            now: seconds since 2016.
            budget: time to use; its start is the time contexts age by.
            place: where rows must belong, if the table has had a partition split.

        Returns:
            The page. An unknown filter type is INVALID_ARGUMENT; a range that holds nothing is OK
            and ended.
        """
        kinds = (request.hash_key_filter_type, request.sort_key_filter_type)
        if not FILTER_TYPES.issuperset(kinds):
            return ScanPage(Status.INVALID_ARGUMENT, [], [], SCAN_ENDED)
        return self._step(begin_scan(request, place), engine, now, budget)

    def scan(self, engine: Engine, context_id: int, now: int, budget: TimeBudget) -> ScanPage:
        """Give the next page of a scan; an id that is unknown, used or too old is NOT_FOUND."""
        self._forget_old(budget.started)
        context, _ = self._contexts.pop(context_id, (None, 0.0))
        if context is None:
            return ScanPage(Status.NOT_FOUND, [], [], 0)
        return self._step(context, engine, now, budget)

    def clear(self, context_id: int) -> None:
        """Forget a scan; an unknown id is nothing to complain about. Never answered (8.3)."""
        self._contexts.pop(context_id, None)

    def _step(self, context: ScanContext, engine: Engine, now: int, budget: TimeBudget) -> ScanPage:
        page, rest = context.step(engine, now, budget)
        return page if rest is None else page._replace(context_id=self._keep(rest, budget.started))

    def _keep(self, context: ScanContext, used_at: float) -> int:
        self._forget_old(used_at)
        if len(self._contexts) >= SCAN_CONTEXTS_MAX:
            del self._contexts[next(iter(self._contexts))]
        context_id = self._next_id
        self._next_id += 1
        self._contexts[context_id] = (context, used_at)
        return context_id

    def _forget_old(self, seconds: float) -> None:
        """Drop the contexts that were unused for too long; they are in front."""
        old = []
        for context_id, (_, used_at) in self._contexts.items():
            if seconds - used_at < SCAN_CONTEXT_SECONDS_MAX:
                break
            old.append(context_id)
        for context_id in old:
            del self._contexts[context_id]
