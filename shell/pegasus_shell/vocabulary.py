"""The words the shell knows by itself: for colours and completion, not for parsing."""

KEYWORDS = frozenset(
    """
    ADD ALL ALLOW ALTER ANALYZE AND AS ASC BETWEEN BY CASE CAST COLUMN CONFLICT CREATE CROSS DEFAULT
    DELETE DESC DESCRIBE DISTINCT DO DROP DROPPED ELSE END ESCAPE EXCEPT EXISTS EXPLAIN FALSE FAMILY
    FILTERING FIRST FORMAT FROM FULL GROUP HAVING IF ILIKE IN INNER INSERT INTERSECT INTERVAL INTO IS
    JOIN KEY LAST LEFT LIKE LIMIT NOT NOTHING NULL NULLS OF OFFSET ON OR ORDER OUTER OVER PARTITION
    PARTITIONS PRIMARY RAW RECALL RENAME REPLACE RIGHT SELECT SET SHOW TABLE TABLES THEN TO TRUE TTL
    UNDROP UNION UPDATE UPSERT USING VALUES WHEN WHERE WITH
    """.split()
)

TYPES = frozenset("BIGINT BLOB BOOLEAN DATE DECIMAL DOUBLE INT MAP TEXT TIMESTAMP UUID".split())

STATEMENT_HEADS = (
    *("SELECT", "INSERT INTO", "UPSERT INTO", "UPDATE", "DELETE FROM", "EXPLAIN", "DESCRIBE"),
    *("SHOW TABLES", "SHOW DROPPED TABLES", "SHOW PARTITIONS OF", "SHOW CREATE TABLE"),
    *(
        "CREATE TABLE",
        "CREATE RAW TABLE",
        "ALTER TABLE",
        "DROP TABLE",
        "RECALL TABLE",
        "SET",
        "WITH",
    ),
)

TABLE_CONTEXT = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "OF", "DESCRIBE"})
"""Behind these words a table's name comes next."""

FUNCTIONS = (
    *("abs", "avg", "ceil", "coalesce", "concat", "count", "date_trunc", "extract", "floor"),
    *("greatest", "least", "length", "lower", "ltrim", "max", "min", "now", "nullif", "replace"),
    *("round", "rtrim", "substr", "sum", "trim", "ttl", "upper"),
)
