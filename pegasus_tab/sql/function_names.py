"""The scalar functions of the dialect: what may be written, how many arguments, and what is not ours.

The one list for the front, the binder and the shell's completion; meanings are in
``execute.functions``.
"""

from pegasus_tab.base.errors import NotSupportedError, ProgrammingError
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.suggest import nearest

ARGUMENT_COUNTS: dict[str, tuple[int, int]] = {
    "upper": (1, 1),
    "lower": (1, 1),
    "length": (1, 1),
    "trim": (1, 2),
    "ltrim": (1, 2),
    "rtrim": (1, 2),
    "substr": (2, 3),
    "replace": (3, 3),
    "left": (2, 2),
    "right": (2, 2),
    "strpos": (2, 2),
    "starts_with": (2, 2),
    "reverse": (1, 1),
    "concat": (1, 100),
    "abs": (1, 1),
    "sign": (1, 1),
    "round": (1, 2),
    "trunc": (1, 2),
    "floor": (1, 1),
    "ceil": (1, 1),
    "power": (2, 2),
    "sqrt": (1, 1),
    "exp": (1, 1),
    "ln": (1, 1),
    "log10": (1, 1),
    "coalesce": (1, 100),
    "nullif": (2, 2),
    "greatest": (1, 100),
    "least": (1, 100),
    "date_trunc": (2, 2),
    "extract": (2, 2),
    "current_timestamp": (0, 0),
    "ttl": (1, 1),
}
"""Name -> fewest and most arguments."""

AGGREGATES = frozenset(
    """
    count sum avg min max stddev stddev_samp stddev_pop variance var_samp var_pop median string_agg
    bool_and bool_or percentile_cont percentile_disc corr covar_samp covar_pop grouping
    """.split()
)
WINDOW_FUNCTIONS = frozenset(
    """
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value
    nth_value
    """.split()
)

_ALSO_WRITTEN = ("now", "current_date", "char_length", "substring", "position", "pow", "date_part")
FUNCTION_NAMES = tuple(sorted({*ARGUMENT_COUNTS, *_ALSO_WRITTEN, *AGGREGATES, *WINDOW_FUNCTIONS}))
"""Every function a user may write, for completion and did-you-mean."""


def unknown_function(name: str, place: Place | None) -> NotSupportedError | ProgrammingError:
    """Return the error for a function that is not in the list (42883), or not yet ours (0A000)."""
    if name == "writetime":
        return NotSupportedError(
            "WRITETIME is not supported", hint="keep a TIMESTAMP column", **at(place)
        )
    if name in AGGREGATES:
        return ProgrammingError(
            f"aggregate {name} is not allowed here",
            sqlstate="42803",
            hint="aggregates belong in the select list, HAVING or ORDER BY of a query",
            **at(place),
        )
    if name in WINDOW_FUNCTIONS:
        return ProgrammingError(
            f"window function {name} is not allowed here",
            sqlstate="42P20",
            hint="it needs OVER (...), in the select list or ORDER BY of a query",
            **at(place),
        )
    return ProgrammingError(
        f"function {name} does not exist",
        sqlstate="42883",
        # lpad is nearer to "lead" than to anything its user may have meant.
        hint=nearest(name, set(FUNCTION_NAMES) - WINDOW_FUNCTIONS),
        **at(place),
    )
