"""Rows of files made ready for a table: finding, reading, matching and checking; writes nothing."""
