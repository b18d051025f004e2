"""Pegasus Tab: SQL over a partitioned, replicated key-value store; this package is the driver."""
