"""Which table names are allowed."""

import re

TABLE_NAME_CHARACTERS_MAX = 64

_ALLOWED = re.compile(r"[A-Za-z0-9_.:\-]+", re.ASCII)


def name_fault(name: str) -> str | None:
    """Say what is wrong with a table name, or return None.

    The letters are those Java's client allows (protocol reference 9) and ``-``.
    """
    if not name:
        return "the table name is empty"
    if len(name) > TABLE_NAME_CHARACTERS_MAX:
        return (
            f"the table name has {len(name)} characters; at most {TABLE_NAME_CHARACTERS_MAX} "
            "are allowed"
        )
    if not _ALLOWED.fullmatch(name):
        return f"table name {name!r}: only letters, digits and _ . : - are allowed"
    return None
