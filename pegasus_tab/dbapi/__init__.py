"""The PEP 249 face: connection, cursor, type objects."""
