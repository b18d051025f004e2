"""The storage engine behind a protocol: RocksDB and its in-memory twin."""
