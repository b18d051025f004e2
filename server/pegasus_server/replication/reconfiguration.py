"""A change of configuration under way: asked of meta again and again until the outcome is known.

The request compares ballots, so asking again is also how to learn what became of a request whose
answer was lost (A8, A18): meta accepts the same request twice, and refuses it once the ballot
moved on. It is never given up without an answer, because it may still come about.
"""

from pegasus_server.replication.effects import Effect, ReportToMeta
from pegasus_tab.base.cluster import (
    ConfigUpdate,
    ConfigUpdateReply,
    PartitionConfig,
    UpdateReason,
)
from pegasus_tab.base.ids import Ballot, Gpid, NodeName

UPDATE_RESEND_US = 1_000_000
REFUSED_WAIT_US = 1_000_000
"""After meta refused a change although the ballot stands (it is frozen, say)."""


class Reconfiguration:
    """At most one request to meta.

    Args:
        gpid: the partition.
        node: who asks.
    """

    def __init__(self, gpid: Gpid, node: NodeName) -> None:
        self._gpid = gpid
        self._node = node
        self._pending: ConfigUpdate | None = None
        self._begun_us = 0
        self._sent_us = 0
        self._wait_until_us = 0

    @property
    def pending(self) -> ConfigUpdate | None:
        """The request whose outcome is not known."""
        return self._pending

    @property
    def begun_us(self) -> int:
        """When the latest request was made first, CLOCK_BOOTTIME in microseconds."""
        return self._begun_us

    @property
    def wait_until_us(self) -> int:
        """Before this moment no request is made, CLOCK_BOOTTIME in microseconds."""
        return self._wait_until_us

    def may_begin(self, now_us: int) -> bool:
        """Tell whether a request may be made now."""
        return self._pending is None and now_us >= self._wait_until_us

    def begin(
        self, config: PartitionConfig, reason: UpdateReason, node: NodeName, now_us: int
    ) -> list[Effect]:
        """Ask for a configuration.

        Args:
            config: to become current, under the ballot after the current one.
            reason: what for.
            node: whom it is about.
            now_us: CLOCK_BOOTTIME, microseconds.
        """
        assert self._pending is None, "A18: one change of configuration at a time"
        expected = Ballot(config.ballot - 1)
        self._pending = ConfigUpdate(self._gpid, self._node, expected, config, reason, node)
        self._begun_us = self._sent_us = now_us
        return [ReportToMeta(self._pending)]

    def settle(self, reply: ConfigUpdateReply, now_us: int) -> bool:
        """Take meta's answer; False if it does not answer the request under way."""
        if self._pending is None or reply.expected_ballot != self._pending.expected_ballot:
            return False
        self._pending = None
        if not reply.accepted:
            self._wait_until_us = now_us + REFUSED_WAIT_US
        return True

    def overtake(self, ballot: Ballot) -> None:
        """Forget a request that can no longer come about: the ballot reached ``ballot``."""
        if self._pending is not None and self._pending.new_config.ballot <= ballot:
            self._pending = None

    def on_tick(self, now_us: int) -> list[Effect]:
        """Ask again."""
        if self._pending is None or now_us < self._sent_us + UPDATE_RESEND_US:
            return []
        self._sent_us = now_us
        return [ReportToMeta(self._pending)]

    def next_deadline(self, now_us: int) -> int | None:
        """Return when a Tick is due, CLOCK_BOOTTIME in microseconds; None for never."""
        if self._pending is not None:
            return self._sent_us + UPDATE_RESEND_US
        return self._wait_until_us if self._wait_until_us > now_us else None
