"""First words of statements, and the keywords of the dialect: for errors, completion, highlighting."""

STATEMENT_HEADS = (
    "SELECT",
    "WITH",
    "VALUES",
    "INSERT",
    "UPSERT",
    "REPLACE",
    "UPDATE",
    "DELETE",
    "COPY",
    "EXPORT",
    "CANCEL",
    "VERIFY",
    "BACKUP",
    "RESTORE",
    "CREATE",
    "DROP",
    "RECALL",
    "UNDROP",
    "ALTER",
    "SHOW",
    "BALANCE",
    "DESCRIBE",
    "SET",
    "RESET",
    "EXPLAIN",
)
"""What a statement may begin with."""

_NO_TRANSACTIONS = "each statement commits by itself and is atomic per row"

REFUSED = {
    **dict.fromkeys(
        ("BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "END", "ABORT"),
        _NO_TRANSACTIONS,
    ),
    "TRUNCATE": "DROP TABLE and CREATE TABLE again, or DELETE FROM t",
    "MERGE": "use UPSERT INTO",
    "GRANT": "there are no users yet",
    "REVOKE": "there are no users yet",
    "VACUUM": "space is reclaimed by itself",
    "ANALYZE": "write EXPLAIN ANALYZE before a statement; statistics are not needed",
    "CALL": "there are no procedures",
    "DO": "there are no procedures",
    "LOCK": _NO_TRANSACTIONS,
    "DECLARE": "the driver's cursors stream by themselves",
    "FETCH": "the driver's cursors stream by themselves",
    "PREPARE": "statements are prepared and cached by themselves",
    "EXECUTE": "statements are prepared and cached by themselves",
    "USE": "a connection has one set of tables",
    "PRAGMA": "use SET name = value",
    "COMMENT": "keep comments with the table's definition",
}
"""Heads that are understood and refused, with what to do instead."""

KEYWORDS = frozenset(
    """
    ADD ALL ALLOW ALTER ANALYZE AND AS ASC BACKUP BACKUPS BALANCE BETWEEN BY CANCEL CASE CAST
    COLUMN CONFLICT COPY CREATE CROSS CURRENT_DATE CURRENT_TIMESTAMP DATE DEFAULT DELETE DESC
    DESCRIBE DISTINCT DO DROP DROPPED ELSE END ESCAPE EVERY EXCEPT EXISTS EXPLAIN EXPORT EXTRACT FALSE
    FAMILY FETCH FILTERING FIRST FORMAT FROM FULL GROUP HASH HAVING IF ILIKE IN INNER INSERT
    INTERSECT INTERVAL INTO IS JOB JOBS JOIN KEEP KEY LAST LEFT LIKE LIMIT MAP NOT NOTHING NULL NULLS
    OF OFFSET ON OR ORDER OUTER OVER PARTITION PARTITIONS PAUSE POLICIES POLICY PRIMARY RAW RECALL RENAME REPLACE RESET
    RESTORE RESUME RIGHT SELECT SET SHOW TABLE TABLES THEN TIMESTAMP TO TRUE TTL UNDROP UNION UPDATE
    UPSERT USING VALUES VERIFY WHEN WHERE WINDOW WITH
    """.split()
)
"""Words to highlight and complete; function and type names are in their own lists."""
