"""How one value reads on a screen and in a text file."""

import json
from decimal import Decimal

NUMERIC = (int, float, Decimal)


def cell_text(value: object, null: str = "NULL") -> str:
    """Render one value.

    Args:
        value: a Python value as the driver returns it.
        null: what stands for NULL.

    Returns:
        Text that reads back as a literal of its type (without quotes); control characters are escaped,
        so that a value can never move the terminal's cursor.
    """
    if value is None:
        return null
    if value is True:
        return "true"
    if value is False:
        return "false"
    if type(value) is str:
        return value if value.isprintable() else escape_control(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=json_value, ensure_ascii=False)
    return str(value)


def escape_control(text: str) -> str:
    """Replace what a terminal would act upon by backslash escapes; leave other text alone."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def json_value(value: object) -> object:
    """Turn a value that JSON has no type for into text: exact, never rounded."""
    return cell_text(value)


def is_numeric(value: object) -> bool:
    """Whether the value aligns to the right; booleans do not."""
    return isinstance(value, NUMERIC) and not isinstance(value, bool)
