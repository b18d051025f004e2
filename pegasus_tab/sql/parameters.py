"""Numbering of placeholders: ``?`` by place, ``:name`` by name, ``$n`` by its number."""

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.place import Place, at

PARAMETERS_MAX = 65_535


class Numbering:
    """Gives each placeholder of one statement its parameter index; styles may not be mixed.

    Attributes:
        wanted: what the statement is to be given: None for ``?`` and ``$n``, the name for ``:name``.
    """

    def __init__(self) -> None:
        self.wanted: list[str | None] = []
        self._style: str | None = None

    def index(self, style: str, name: str, place: Place) -> int:
        """Return the parameter index of a placeholder.

        Args:
            style: ``?``, ``:name`` or ``$n``.
            name: the name, or the digits of ``$n``.
            place: where it stands.

        Raises:
            ProgrammingError: 42601 a second style, 42P02 a number out of range.
        """
        if self._style not in (None, style):
            raise ProgrammingError(
                f"placeholders of two styles, {self._style} and {style}",
                sqlstate="42601",
                hint="use ? or :name or $1 throughout one statement",
                **at(place),
            )
        self._style = style
        if style == ":name":
            if name not in self.wanted:
                self.wanted.append(name)
            return self.wanted.index(name)
        if style == "?":
            if len(self.wanted) == PARAMETERS_MAX:
                raise _out_of_range("?", place)
            self.wanted.append(None)
            return len(self.wanted) - 1
        if len(name) > len(str(PARAMETERS_MAX)) or not 1 <= int(name) <= PARAMETERS_MAX:
            raise _out_of_range(f"${name}", place)
        self.wanted.extend([None] * (int(name) - len(self.wanted)))
        return int(name) - 1


def _out_of_range(shown: str, place: Place) -> ProgrammingError:
    return ProgrammingError(
        f"there is no parameter {shown[:20]}",
        sqlstate="42P02",
        hint=f"a statement takes at most {PARAMETERS_MAX} parameters",
        **at(place),
    )
