"""Options of statements that move whole tables: (NAME value, ...)."""

from collections.abc import Mapping

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.ast_copy_from import CopyOption
from pegasus_tab.sql.place import at
from pegasus_tab.sql.suggest import nearest

BYTES_PER_SECOND_MIN = 1024

Options = Mapping[str, CopyOption]


def known_options(
    statement: str, options: tuple[CopyOption, ...], names: tuple[str, ...]
) -> Options:
    """Return options by name.

    Args:
        statement: what to call it in an error.
        options: as written.
        names: those it takes.

    Raises:
        ProgrammingError: 42601 it does not take one of them.
    """
    for option in options:
        if option.name not in names:
            raise ProgrammingError(
                f'unknown option "{option.name}" of {statement}',
                sqlstate="42601",
                hint=nearest(option.name, names) or f"the options are {', '.join(names)}",
                **at(option.place),
            )
    return {option.name: option for option in options}


def truth(given: Options, name: str, *, default: bool) -> bool:
    """Return TRUE or FALSE."""
    option = given.get(name)
    if option is None:
        return default
    if not isinstance(option.value, bool):
        raise refused(option, "TRUE or FALSE")
    return option.value


def whole(given: Options, name: str, lowest: int, default: int) -> int:
    """Return a whole number from ``lowest`` on."""
    option = given.get(name)
    if option is None:
        return default
    if type(option.value) is not int or option.value < lowest:
        raise refused(option, f"a whole number from {lowest} on")
    return option.value


def rate(given: Options) -> int:
    """Return BYTES_PER_SECOND, 0 for no limit."""
    return whole(given, "bytes_per_second", BYTES_PER_SECOND_MIN, 0)


def refused(option: CopyOption, accepted: str) -> ProgrammingError:
    """Return the error for a value that an option does not take."""
    return ProgrammingError(
        f"option {option.name.upper()} does not take {option.value!r}",
        sqlstate="22023",
        hint=f"it takes {accepted}",
        **at(option.place),
    )
