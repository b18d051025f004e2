"""The language of replication scenarios: commands, ``---``, the exact trace.

A script is a text of blocks, divided by empty lines; a block is commands, one a line, then ``---``,
then what happened: every effect of every replica in order, and the replicas whose state changed.
``#`` begins a comment.

    cluster r1 r2 r3 [max=N]         make servers; form the group r1 (primary), r2, r3 without trace
    servers r1 r2 r3 [max=N]         make servers, form nothing
    form r1 r2                       form a group, with trace
    write SERVER TOKEN...            clients write, one mutation each as far as the window has room
    write-few SERVER TOKEN...        the same with one request each, too few for that in flight
    read SERVER                      tell whether a read would be answered
    disk SERVER [N]                  the disk finishes its oldest N jobs, all if no N is given
    work SERVER | break SERVER       finish, or fail, the oldest file job
    deliver FROM TO [N]              deliver the oldest N messages, all if no N is given
    drop FROM TO [N]                 lose them
    repeat FROM TO                   send a copy of the oldest message behind the others
    hold FROM TO NAME                take the oldest message away; ``release NAME`` delivers it
    cut A B | heal A B               lose everything on that way, in this direction, from now on
    settle                           deliver and finish everything
    quiet COMMAND...                 the same without its trace
    pass MILLISECONDS                let time pass; deadlines are met on the way
    crash SERVER | restart SERVER [suspect] | wipe SERVER
    lapse SERVER | renew SERVER      end, or renew, its lease
    expire SERVER                    its lease ends, and nobody has noticed yet
    flush SERVER | fail SERVER       its engine is flushed, or fails
    forget SERVER                    it keeps no recent mutations: learners need files
    log SERVER FIRST | checkpoint SERVER     its private log begins at FIRST; it has a checkpoint
    propose KIND SERVER              meta proposes
    bury                             meta takes the primary out of the configuration
    notify SERVER                    meta tells it the configuration, unasked
    freeze | thaw                    meta refuses changes, or does not any more
    accept-loss                      what was committed so far is given up; the judge forgets it
    config                           write meta's configuration into the trace
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from pegasus_server.replication.describe import describe_config
from pegasus_server.replication.messages import Message
from pegasus_tab.base.ids import NodeName
from tests.fakes.replica_cluster import FromMeta, Link, ReplicaCluster, ToMeta

Words: TypeAlias = Sequence[str]


class ReplicaScenario:
    """Runs the commands of one script."""

    def __init__(self) -> None:
        self.cluster = ReplicaCluster([])
        self._held: dict[str, tuple[Link, Message | ToMeta | FromMeta]] = {}
        self._states: list[str] = []

    def run(self, command: str) -> list[str]:
        """Carry out one command; return its trace."""
        verb, *words = command.split()
        if verb == "quiet":
            self.run(" ".join(words))
            return []
        cluster = self.cluster
        try:
            self._do(verb, words)
        except AssertionError as error:
            self.cluster.trace.append(f"assertion: {error}")
        trace = self.cluster.trace if cluster is self.cluster else []
        lines, trace[:] = list(trace), []
        return lines

    def changed_states(self) -> list[str]:
        """Describe the servers whose state is not as when last asked."""
        before, self._states = self._states, self.cluster.states()
        return [each for each in self._states if each not in before]

    def _do(self, verb: str, words: Words) -> None:
        if verb in ("cluster", "servers"):
            self._make(words, forms=verb == "cluster")
            return
        commands = {**self._on_network(), **self._on_servers(), **self._on_meta()}
        commands[verb](words)

    def _make(self, words: Words, *, forms: bool) -> None:
        names = [each for each in words if "=" not in each]
        count = [int(each.removeprefix("max=")) for each in words if each.startswith("max=")]
        self.cluster = ReplicaCluster(names, count[0] if count else 3)
        if forms:
            self.cluster.form(names)
            self.cluster.trace.clear()

    def _on_network(self) -> dict[str, Callable[[Words], None]]:
        cluster = self.cluster
        return {
            "deliver": lambda w: self._each_message(w, cluster.deliver),
            "drop": lambda w: self._each_message(w, lambda a, b: self._take((a, b))),
            "repeat": lambda w: cluster.network[_link(w)].append(cluster.network[_link(w)][0]),
            "hold": lambda w: self._held.update({w[2]: (_link(w), self._take(_link(w)))}),
            "release": self._release,
            "cut": lambda w: cluster.cuts.add(_link(w)),
            "heal": lambda w: cluster.cuts.discard(_link(w)),
            "settle": lambda _: cluster.settle(),
            "pass": lambda w: cluster.tick(cluster.now_us + int(w[0]) * 1000),
        }

    def _on_servers(self) -> dict[str, Callable[[Words], None]]:
        cluster = self.cluster
        return {
            "write": self._write,
            "write-few": self._write_few,
            "read": self._read,
            "disk": self._disk,
            "work": lambda w: cluster.work(NodeName(w[0])),
            "break": lambda w: cluster.work(NodeName(w[0]), fails=True),
            "crash": lambda w: cluster.nodes[NodeName(w[0])].crash(),
            "restart": self._restart,
            "wipe": lambda w: cluster.nodes[NodeName(w[0])].wipe(),
            "lapse": lambda w: cluster.lapse(NodeName(w[0])),
            "expire": lambda w: cluster.expire(NodeName(w[0])),
            "renew": lambda w: cluster.renew(NodeName(w[0])),
            "flush": lambda w: cluster.flush(NodeName(w[0])),
            "fail": lambda w: cluster.fail(NodeName(w[0]), "the engine is damaged"),
            "forget": self._forget,
            "log": self._log,
            "checkpoint": self._checkpoint,
        }

    def _on_meta(self) -> dict[str, Callable[[Words], None]]:
        cluster, meta = self.cluster, self.cluster.meta
        return {
            "form": cluster.form,
            "propose": lambda w: cluster.propose(w[0], w[1]),
            "bury": lambda _: meta.bury(),
            "notify": lambda w: cluster.notify(NodeName(w[0])),
            "freeze": lambda _: setattr(meta, "frozen", True),
            "thaw": lambda _: setattr(meta, "frozen", False),
            "accept-loss": lambda _: cluster.judge.accept_loss(),
            "config": lambda _: cluster.trace.append(f"meta {describe_config(meta.config)}"),
        }

    def _each_message(self, words: Words, action: Callable[[NodeName, NodeName], object]) -> None:
        link = _link(words)
        waiting = len(self.cluster.network.get(link, ()))
        for _ in range(int(words[2]) if len(words) > 2 else waiting):
            action(*link)

    def _take(self, link: Link) -> Message | ToMeta | FromMeta:
        return self.cluster.network[link].popleft()

    def _release(self, words: Words) -> None:
        (sender, receiver), message = self._held.pop(words[0])
        self.cluster.hand_over(sender, receiver, message)

    def _write(self, words: Words) -> None:
        for token in words[1:]:
            self.cluster.write(NodeName(words[0]), token)

    def _write_few(self, words: Words) -> None:
        for token in words[1:]:
            self.cluster.write(NodeName(words[0]), token, operations=1)

    def _read(self, words: Words) -> None:
        replica = self.cluster.nodes[NodeName(words[0])].replica
        allowed = replica is not None and replica.may_reply_read(self.cluster.now_us)
        self.cluster.trace.append(f"{words[0]} {'answers' if allowed else 'refuses'} a read")

    def _disk(self, words: Words) -> None:
        name = NodeName(words[0])
        waiting = len(self.cluster.nodes[name].pending)
        for _ in range(int(words[1]) if len(words) > 1 else waiting):
            self.cluster.disk(name)

    def _restart(self, words: Words) -> None:
        name = NodeName(words[0])
        self.cluster.nodes[name].restart(suspect="suspect" in words)
        self.cluster.renew(name)

    def _forget(self, words: Words) -> None:
        replica = self.cluster.nodes[NodeName(words[0])].replica
        assert replica is not None
        replica.state.mutations.recent.clear()

    def _log(self, words: Words) -> None:
        self.cluster.nodes[NodeName(words[0])].disk.log_first = int(words[1])

    def _checkpoint(self, words: Words) -> None:
        node = self.cluster.nodes[NodeName(words[0])]
        node.disk.checkpoint = max(node.engine, default=0)


def _link(words: Words) -> Link:
    return NodeName(words[0]), NodeName(words[1])


def replay(text: str) -> str:
    """Run a script's commands and write down what they give now."""
    scenario = ReplicaScenario()
    blocks = []
    for block in text.split("\n\n"):
        commands = block.split("\n---\n")[0].strip("\n").removesuffix("\n---").split("\n")
        lines = [line for line in commands if line and not line.startswith("#")]
        if not lines:
            blocks.append(block.strip("\n"))
            continue
        trace = [line for command in lines for line in scenario.run(command)]
        trace += scenario.changed_states()
        blocks.append("\n".join([*commands, "---", *trace]))
    return "\n\n".join(blocks) + "\n"
