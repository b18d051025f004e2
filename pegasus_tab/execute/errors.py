"""Errors of the executor that a caller does something about."""

from pegasus_tab.base.errors import NotSupportedError, OperationalError


class StaleSchema(OperationalError):  # noqa: N818 -- says what it is
    """The table's schema changed since the statement was planned.

    The session reads the catalog anew, plans again and repeats the statement, as long as nothing of
    its result was handed out.
    """

    default_sqlstate = "40001"

    def __init__(self, message: str = "", **fields: object) -> None:
        fields.setdefault("retryable", True)
        fields.setdefault("hint", "run the statement again")
        super().__init__(message, **fields)  # type: ignore[arg-type]  # fields of Error


def arrow_missing(error: ImportError) -> NotSupportedError:
    """Return the error for a result wanted as Arrow without pyarrow."""
    return NotSupportedError(
        f"this needs the package {error.name}, which is not installed",
        hint="pip install 'pegasus-tab[analytics]'",
    )
