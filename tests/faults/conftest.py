"""What all faults share: a seed that a failed test shows."""

import os
import random

import pytest


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Draw what the clients of a test do, unless FAULTS_SEED says it."""
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(1 << 32))
    replay = f"FAULTS_SEED={seed} .venv/bin/pytest -n0 -m '' '{request.node.nodeid}'"
    request.node.add_report_section("setup", "replay", replay)
    return seed
