"""Every size, count and time bound that two or more packages must agree on.

Sources: reference/pegasus-protocol.md sections 5 and 6 (limits Pegasus clients know) and
reference/reliability.md section 6 (our baseline for bytes from outside).
"""

KIB = 1024
MIB = 1024 * KIB

HASH_KEY_BYTES_MAX = 1 * KIB
SORT_KEY_BYTES_MAX = 4 * KIB
VALUE_BYTES_MAX = 1 * MIB
WRITE_REQUEST_BYTES_MAX = 1 * MIB
"""Body of one write request; a larger one is answered ERR_INVALID_DATA."""
PUT_ROWS_REQUEST_BYTES_MAX = WRITE_REQUEST_BYTES_MAX + 1 * KIB
"""Body of a TAB_PUT_ROWS: it also holds the headers of stored rows, so the row of the largest
other write fits."""
BATCH_OPERATIONS_MAX = 1000
PUT_ROWS_MAX = 4096
"""Rows of one TAB_PUT_ROWS; what they take of a server's turn stays below 20 ms."""

CLIENT_FRAME_BYTES_MAX = 4 * MIB
RESPONSE_FRAME_BYTES_MAX = 64 * MIB

MULTI_GET_ROWS_MAX = 3000
MULTI_GET_BYTES_MAX = 30 * MIB
SCAN_ROWS_MAX = 1000
SCAN_PAGE_BYTES_MAX = 1 * MIB
READ_SECONDS_MAX = 30.0
SCAN_CONTEXT_SECONDS_MAX = 300.0
SCAN_CONTEXTS_MAX = 10_000

TAB_SCAN_PAGE_BYTES_MAX = 1 * MIB
TAB_SCAN_PAGE_ROWS_MAX = 16_384

PARTITIONS_MIN = 2
PARTITIONS_MAX = 1024
PARTITIONS_DEFAULT = 4
REPLICAS_MAX = 5
REPLICAS_DEFAULT = 0
"""In place of a number of copies: as many as fit the cluster (``pegasus_server.meta.ward``)."""

EPOCH_UNIX_SECONDS = 1_451_606_400
"""2016-01-01 00:00:00 UTC, second 0 of every expiry timestamp (protocol reference 5.2)."""
