"""Whom a primary waits for before it commits: its secondaries and the learners that joined."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pegasus_server.replication.messages import NO_SIGNATURE
from pegasus_tab.base.ids import Decree, NodeName, Signature

NEVER_US = -(1 << 62)


@dataclass(slots=True)
class Member:
    """One node whose acknowledgement every commit needs.

    Attributes:
        node: who.
        acked: it holds every decree up to this one on disk, as prepared under our ballot.
        signature: of its learning, NO_SIGNATURE for a secondary.
        sent_us: when prepares were last sent again, long ago for never.
        lost: it said itself that it is no member any more.
        pinned: meta was asked to make this learner a secondary. Until the ballot moves that may
            still come about, so it is waited for like a secondary.
    """

    node: NodeName
    acked: Decree
    signature: Signature = NO_SIGNATURE
    sent_us: int = NEVER_US
    lost: bool = False
    pinned: bool = False


class Group:
    """The members other than the primary itself, in the order they joined.

    Invariant: a member's ``acked`` never falls while the ballot stays.
    """

    def __init__(self) -> None:
        self._members: dict[NodeName, Member] = {}
        self._secondaries: tuple[NodeName, ...] = ()
        self._learners: tuple[Member, ...] = ()

    def __len__(self) -> int:
        """Count the members, learners included."""
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        """Go through the members in the order they joined."""
        return iter(self._members.values())

    @property
    def secondaries(self) -> tuple[NodeName, ...]:
        """The secondaries, in order."""
        return self._secondaries

    @property
    def learners(self) -> tuple[Member, ...]:
        """The learners that joined, in order."""
        return self._learners

    def _note_members(self) -> None:
        """Tell members apart once, not for every prepare."""
        members = self._members.values()
        learners = [each for each in members if each.signature != NO_SIGNATURE]
        self._learners = tuple(learners)
        self._secondaries = tuple([e.node for e in members if e.signature == NO_SIGNATURE])

    def get(self, node: NodeName) -> Member | None:
        """Return the member on ``node``, None if it is none."""
        return self._members.get(node)

    def restart(self, secondaries: Iterable[NodeName], committed: Decree) -> None:
        """Begin a new ballot: acknowledgements of the old one say nothing about it.

        Learners that joined stay, except those that are secondaries now.
        """
        learners = [each for each in self if each.signature != NO_SIGNATURE]
        self._members = {node: Member(node, committed) for node in secondaries}
        for each in learners:
            if each.node not in self._members:
                self._members[each.node] = Member(each.node, committed, each.signature)
        self._note_members()

    def join(self, node: NodeName, signature: Signature, decree: Decree) -> Member:
        """Wait for a learner from ``decree`` on."""
        assert node not in self._members, "a node is a member once"
        member = Member(node, Decree(decree - 1), signature)
        self._members[node] = member
        self._note_members()
        return member

    def leave(self, node: NodeName) -> None:
        """Wait no longer for a learner; secondaries leave by configuration alone (A4)."""
        member = self._members.get(node)
        if member is not None:
            assert member.signature != NO_SIGNATURE, "A4: a secondary leaves through meta"
            assert not member.pinned, "A4: it may become a secondary any moment"
            del self._members[node]
            self._note_members()

    def note_ack(self, node: NodeName, signature: Signature, decree: Decree) -> Member | None:
        """Take an acknowledgement; None if it comes from no member or an older attempt (A12)."""
        member = self._members.get(node)
        if member is None or member.signature != signature:
            return None
        member.acked = max(member.acked, decree)
        return member

    def acked(self, prepared: Decree) -> Decree:
        """Return the highest decree every member acknowledged; ``prepared`` if there are none."""
        for member in self._members.values():
            prepared = min(prepared, member.acked)
        return prepared
