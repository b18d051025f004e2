"""Leases: from the sending of a beacon, never extended once lapsed."""

from pegasus_server.replication.lease import LEASE_US, Lease


def test_runs_from_the_moment_the_beacon_was_sent() -> None:
    lease = Lease()
    lease.extend(1_000, 500_000)
    assert lease.is_live(1_000 + LEASE_US - 1)
    assert not lease.is_live(1_000 + LEASE_US)


def test_a_late_ack_begins_a_new_epoch() -> None:
    lease = Lease()
    lease.extend(1_000, 1_000)
    assert lease.extend(2_000, 3_000)
    assert lease.covers(1_500, 4_000)
    late_us = 2_000 + LEASE_US + 1
    assert not lease.extend(late_us - 10, late_us)
    assert lease.is_live(late_us)
    assert not lease.covers(late_us - 10, late_us)
    assert lease.covers(late_us, late_us + 1)


def test_an_ack_that_is_older_than_a_lease_gives_nothing() -> None:
    lease = Lease()
    assert not lease.extend(0, LEASE_US)
    assert not lease.is_live(LEASE_US)


def test_acks_out_of_order_shorten_nothing() -> None:
    lease = Lease()
    lease.extend(2_000, 2_100)
    lease.extend(1_000, 2_200)
    assert lease.is_live(2_000 + LEASE_US - 1)
