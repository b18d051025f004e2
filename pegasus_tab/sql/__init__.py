"""SQL text to plans: front parser, binder, planner, EXPLAIN. Knows no store."""
