"""The translation of sqlglot's expressions with every handler in place."""

from collections.abc import Sequence

from pegasus_tab.sql.terms import Placeholder
from pegasus_tab.sql.translate_functions import FUNCTIONS
from pegasus_tab.sql.translate_leaves import LEAVES
from pegasus_tab.sql.translate_operators import OPERATORS
from pegasus_tab.sql.translation import Translation

HANDLERS = {**LEAVES, **OPERATORS, **FUNCTIONS}


def translation(text: str, placeholders: Sequence[Placeholder]) -> Translation:
    """Return the translation of one statement's expressions."""
    return Translation(text, placeholders, HANDLERS)
