from pegasus_tab.kv.metas import ADDRESSES_MAX, Metas
from pegasus_tab.wire.address import NO_ADDRESS, Address

A, B, C = (Address(f"10.0.0.{n}", 1) for n in (1, 2, 3))


def test_the_next_server_follows_a_failed_leader() -> None:
    metas = Metas([A, B])
    metas.failed(A)
    assert (metas.leader, metas.all_failed()) == (B, False)
    metas.failed(A)
    assert metas.leader == B, "the failure of another server means nothing"
    metas.failed(B)
    assert (metas.leader, metas.all_failed()) == (A, True)
    metas.answered()
    assert not metas.all_failed()


def test_forwards_are_followed_and_remembered() -> None:
    metas = Metas([A, B])
    metas.forwarded(A, C)
    assert (metas.leader, metas.addresses) == (C, [A, B, C])
    metas.forwarded(C, NO_ADDRESS)
    assert metas.leader == A
    metas.forwarded(A, A)
    assert metas.leader == B, "a server that forwards to itself does not help"


def test_the_oldest_learned_address_makes_room() -> None:
    metas = Metas([A])
    for number in range(50):
        metas.forwarded(metas.leader, Address("10.1.0.1", number + 1))
        assert len(metas.addresses) <= ADDRESSES_MAX
    assert metas.addresses[0] == A
    assert metas.leader == Address("10.1.0.1", 50)
