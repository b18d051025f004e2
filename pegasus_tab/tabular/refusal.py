"""The errors with which a type refuses a value: one wording, one SQLSTATE each."""

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.schema import ColumnType

_SHOWN_CHARACTERS_MAX = 60


def shown(value: object) -> str:
    """Return the value as an error shows it, quoted when it is text, cut when it is long."""
    text = repr(value) if isinstance(value, str | bytes) else str(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else text[:_SHOWN_CHARACTERS_MAX] + "..."


def wrong_type(type_: ColumnType | str, value: object, hint: str | None = None) -> DataError:
    """Return the error for a Python type that the column type does not take (42804)."""
    message = f"a value of Python type {type(value).__name__} does not fit type {type_}"
    return DataError(message, sqlstate="42804", hint=hint)


def bad_text(type_: ColumnType | str, value: str, sqlstate: str = "22P02") -> DataError:
    """Return the error for text that is none of the type."""
    return DataError(f"invalid input for type {type_}: {shown(value)}", sqlstate=sqlstate)


def out_of_range(type_: ColumnType | str, value: object, sqlstate: str = "22003") -> DataError:
    """Return the error for a value beyond the type's range."""
    return DataError(f"{shown(value)} is out of range for type {type_}", sqlstate=sqlstate)
