"""The partition that tests of data RPCs work on."""

import pytest

from tests.fakes.partition import Partition


@pytest.fixture
def partition() -> Partition:
    return Partition()
