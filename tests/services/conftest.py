"""The seed of what clients do; a failed test shows it."""

from tests.faults.conftest import seed

__all__ = ["seed"]
