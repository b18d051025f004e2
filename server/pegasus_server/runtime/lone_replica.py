"""A partition of a node of its own: engine, overlay, primary machine and log, glued together.

The glue decides nothing about the protocol: it hands a turn's changes to the primary machine, and
carries out the effects that come back.
"""

import logging
from collections import deque
from collections.abc import Mapping
from functools import partial

from pegasus_server.data import physical_batch
from pegasus_server.data.identity import ReplicaIdentity
from pegasus_server.mutation_log.mutation import Mutation
from pegasus_server.replication.describe import describe_primary
from pegasus_server.replication.effects import AppendLog, Apply, Effect, Refuse
from pegasus_server.replication.inputs import Applied, ClientWrites, LogAppended, PrimaryInput
from pegasus_server.replication.primary import Primary
from pegasus_server.replication.timestamps import Timestamps
from pegasus_server.runtime.replica import LogDisk, Replica, answer_all
from pegasus_server.runtime.turn import Turn
from pegasus_server.storage.engine import Engine, EngineDamaged
from pegasus_tab.base.ids import Ballot, Decree
from pegasus_tab.wire import codes

logger = logging.getLogger(__name__)


class LoneReplica(Replica):
    """A partition of which there is no other copy.

    Invariant: after a failure nothing touches the engine again until the replica is opened anew.

    Args:
        identity: see Replica, as all but ``ballot``.
        engine: its data.
        ballot: the configuration it serves under.
        timestamps: its timestamp source.
        disk: the log's thread.
        turn: the node's turn.
        envs: the table's settings.
        first_scan_id: see ScanContexts.

    Attributes:
        ballot: the configuration it serves under.
    """

    def __init__(
        self,
        identity: ReplicaIdentity,
        engine: Engine,
        ballot: Ballot,
        *,
        timestamps: Timestamps,
        disk: LogDisk,
        turn: Turn,
        envs: Mapping[str, str],
        first_scan_id: int,
    ) -> None:
        super().__init__(
            identity,
            engine,
            timestamps=timestamps,
            disk=disk,
            turn=turn,
            envs=envs,
            first_scan_id=first_scan_id,
        )
        self.ballot = ballot
        self._primary = Primary.alone(self.gpid, ballot, engine.applied_decree, timestamps)
        self._inputs: deque[PrimaryInput] = deque()

    @property
    def is_full(self) -> bool:
        """Tell whether a write must be refused because too many wait already."""
        return self._primary.is_full

    @property
    def is_failed(self) -> bool:
        """Tell whether the engine or the machine failed; only a restart opens it again."""
        return self._refusal == codes.ERR_CORRUPTION

    def _hand_over(self, writes: ClientWrites) -> None:
        if self._refusal is not None:
            # It failed in the middle of the turn; these writes never got a decree.
            answer_all([self._outstanding.pop()], self._refusal)
            return
        self._drive(writes)

    def fail(self, reason: str) -> None:
        """Stop serving for good: the engine or the machine contradicted itself.

        Writes under way are answered ERR_TIMEOUT, which every client takes as "may have
        happened": the log holds them, and the next start applies them. From now on requests are
        answered ERR_CORRUPTION, which clients take as "did not happen": it is said of nothing that
        has a decree.
        """
        if self.is_failed:
            return
        logger.error(
            "replica %s stopped serving: %s; restart the node to open it again", self.gpid, reason
        )
        self._refuse(codes.ERR_CORRUPTION)
        outstanding, self._outstanding = self._outstanding, deque()
        answer_all(outstanding, codes.ERR_TIMEOUT)
        self._report_idle()

    def _on_logged(self, decree: Decree) -> None:
        if not self.is_failed:
            self._drive(LogAppended(decree, self.ballot))
            self._report_idle()

    def _drive(self, event: PrimaryInput) -> None:
        """Feed the machine; inputs that come up while effects run wait for their turn."""
        self._inputs.append(event)
        try:
            while self._inputs:
                effects = self._primary.step(self._inputs.popleft(), self._turn.now_us)
                for effect in effects:
                    self._perform(effect)
        except EngineDamaged as error:
            self.fail(str(error))
        except Exception:
            # A broken invariant costs this replica, not the node (reliability reference 2.1), and
            # not the others whose writes were logged in the same group.
            logger.exception("replica %s: %s", self.gpid, describe_primary(self._primary))
            self.fail("an invariant is broken, see above")

    def _perform(self, effect: Effect) -> None:
        match effect:
            case AppendLog():
                body = physical_batch.encode(effect.changes)
                mutation = Mutation(
                    self.gpid, effect.ballot, effect.decree, effect.timestamp_us, body
                )
                self._disk.submit(mutation, partial(self._on_logged, effect.decree))
            case Apply():
                self._apply(effect)
            case Refuse():
                self._withdraw(effect.token, effect.error)
            case _:
                raise AssertionError(f"a replica without others asks for nothing else: {effect}")

    def _apply(self, effect: Apply) -> None:
        self.engine.apply(effect.changes, effect.decree)
        self._inputs.append(Applied(effect.decree))
        self._settle(effect.tokens, effect.decree)
