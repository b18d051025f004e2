"""Birth and commit point in front of a log record's batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegasus_server.replication.log_body import join, split
from pegasus_tab.base.ids import Ballot, Decree

numbers = st.integers(0, 2**64 - 1)


@given(born=numbers, committed=numbers, batch=st.binary())
def test_taken_apart_as_put_together(born: int, committed: int, batch: bytes) -> None:
    body = join(Ballot(born), Decree(committed), batch)
    assert split(body) == (born, committed, batch)


def test_golden_bytes() -> None:
    assert join(Ballot(5), Decree(258), b"x").hex() == "05000000000000000201000000000000" + "78"


def test_a_body_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="15 bytes"):
        split(bytes(15))
