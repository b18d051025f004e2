"""Coercion of what is written as text or bytes: BOOLEAN, TEXT, BLOB, UUID (the rules are in value.py)."""

from uuid import UUID

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.refusal import bad_text, wrong_type

_TRUE_TEXT = frozenset({"t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"})
_FALSE_TEXT = frozenset({"f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"})


def boolean(value: object) -> bool:
    """Coerce to BOOLEAN: a bool, or one of PostgreSQL's words for it."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = value.strip().lower()
        if text in _TRUE_TEXT:
            return True
        if text in _FALSE_TEXT:
            return False
        raise bad_text("BOOLEAN", value)
    raise wrong_type("BOOLEAN", value, hint="Use TRUE or FALSE.")


def text_value(value: object) -> str:
    """Coerce to TEXT: a str without lone surrogates."""
    if not isinstance(value, str):
        raise wrong_type("TEXT", value, hint="Write CAST(... AS TEXT), or pass a str.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"TEXT must be valid Unicode: lone surrogate at character {error.start}",
            sqlstate="22021",
        ) from None
    return str(value)


def blob(value: object) -> bytes:
    r"""Coerce to BLOB: bytes of any kind, ``\x`` and hexadecimal digits, or other text as UTF-8."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if not isinstance(value, str):
        raise wrong_type("BLOB", value, hint="Pass bytes, or text ('\\x00ff' for hexadecimal).")
    if value[:2] != "\\x":
        return text_value(value).encode()
    try:
        return bytes.fromhex(value[2:])
    except ValueError:
        raise bad_text("BLOB", value) from None


def uuid(value: object) -> UUID:
    """Coerce to UUID: one, or its text."""
    if isinstance(value, UUID):
        return value
    if isinstance(value, str):
        try:
            return UUID(value.strip())
        except ValueError:
            raise bad_text("UUID", value) from None
    raise wrong_type("UUID", value, hint="Pass a uuid.UUID or its text.")
