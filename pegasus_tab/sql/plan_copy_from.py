"""COPY ... FROM: the table, its columns and the options checked; the files are looked at later."""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.sql.ast_copy_from import CopyFrom as CopyFromStatement
from pegasus_tab.sql.ast_copy_from import CopyOption
from pegasus_tab.sql.bind_expression import TTL_SECONDS_MAX
from pegasus_tab.sql.place import at
from pegasus_tab.sql.plan_nodes import CopyFrom, CsvForm, OnConflict
from pegasus_tab.sql.planning import Planning
from pegasus_tab.sql.scope import Scope
from pegasus_tab.sql.suggest import nearest
from pegasus_tab.sql.terms import Name

FILE_FORMATS = ("parquet", "csv", "arrow")
PARALLEL_MAX = 64

COPY_FROM_OPTIONS = (
    "format",
    "mapping",
    "on_conflict",
    "rejects",
    "max_rejects",
    "state",
    "parallel",
    "ttl",
    "header",
    "delimiter",
    "null",
    "quote",
)
"""Every option of COPY ... FROM, as its plan and its documentation list them."""

_CSV_OPTIONS = ("header", "delimiter", "null", "quote")


def plan_copy_from(planning: Planning, statement: CopyFromStatement) -> CopyFrom:
    """Plan COPY ... FROM.

    Raises:
        ProgrammingError: 42P01, 42703 names; 42701 a column named twice; 42601 an option that does
            not exist; 22023 a value it does not take.
    """
    table = planning.table(statement.table)
    scope = Scope(table, None)
    given = {option.name: option for option in statement.options}
    _refuse_unknown(given)
    format_ = _choice(given, "format", FILE_FORMATS)
    _refuse_foreign(given, format_)
    rejects = _text(given, "rejects")
    return CopyFrom(
        table=table,
        source=statement.source,
        format=format_,
        columns=_listed(scope, statement.columns),
        mapping=_mapping(scope, given.get("mapping")),
        on_conflict=_choice(given, "on_conflict", get_args(OnConflict)) or "upsert",
        rejects=rejects,
        rejects_max=_rejects_max(given, rejects),
        state=_text(given, "state"),
        parallel=_whole(given, "parallel", PARALLEL_MAX, ""),
        ttl_seconds=_whole(given, "ttl", TTL_SECONDS_MAX, " seconds, or an INTERVAL") or 0,
        csv=_csv_form(given),
    )


def _refuse_unknown(given: Mapping[str, CopyOption]) -> None:
    for name, option in given.items():
        if name not in COPY_FROM_OPTIONS:
            raise ProgrammingError(
                f'unknown option "{name}" of COPY ... FROM',
                sqlstate="42601",
                hint=nearest(name, COPY_FROM_OPTIONS)
                or f"the options are {', '.join(COPY_FROM_OPTIONS)}",
                **at(option.place),
            )


def _refuse_foreign(given: Mapping[str, CopyOption], format_: str | None) -> None:
    for name in _CSV_OPTIONS:
        if name in given and format_ not in {None, "csv"}:
            raise ProgrammingError(
                f"option {name.upper()} is for FORMAT csv, not {format_}",
                sqlstate="22023",
                **at(given[name].place),
            )


def _listed(scope: Scope, names: tuple[Name, ...] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    found: list[str] = []
    for name in names:
        column = scope.column(name).name
        if column in found:
            raise ProgrammingError(
                f'column "{column}" is named twice', sqlstate="42701", **at(name.place)
            )
        found.append(column)
    return tuple(found)


def _mapping(scope: Scope, option: CopyOption | None) -> tuple[tuple[str, str], ...]:
    if option is None:
        return ()
    pairs: Any = option.value  # the front reads no other shape for it
    for _, target in pairs:
        scope.column(Name(target, place=option.place))
    for place, side in enumerate(("file", "table")):
        names = [pair[place] for pair in pairs]
        for name in names:
            if names.count(name) > 1:
                raise ProgrammingError(
                    f'MAPPING names column "{name}" of the {side} twice',
                    sqlstate="42701",
                    **at(option.place),
                )
    return tuple(pairs)


def _rejects_max(given: Mapping[str, CopyOption], rejects: str | None) -> int | None:
    """Return how many rows may be rejected: none by default, any number with REJECTS."""
    option = given.get("max_rejects")
    if option is None:
        return 0 if rejects is None else None
    if type(option.value) is not int or option.value < 0:
        raise _refused(option, "a whole number from 0 on")
    return option.value


def _whole(given: Mapping[str, CopyOption], name: str, max_: int, unit: str) -> int | None:
    option = given.get(name)
    if option is None:
        return None
    if type(option.value) is not int or not 1 <= option.value <= max_:
        raise _refused(option, f"a whole number from 1 to {max_}{unit}")
    return option.value


def _csv_form(given: Mapping[str, CopyOption]) -> CsvForm:
    header = _checked(given, "header", lambda value: isinstance(value, bool), "TRUE or FALSE")
    delimiter = _text(given, "delimiter")
    quote = _text(given, "quote")
    return CsvForm(
        header=True if header is None else bool(header),
        delimiter=None if delimiter is None else _one_sign(given["delimiter"]),
        null=_text(given, "null") or "",
        quote='"' if quote is None else _one_sign(given["quote"], none=True),
    )


def _one_sign(option: CopyOption, *, none: bool = False) -> str:
    r"""Return the one character an option names; with ``none`` an empty text turns it off.

    A tab may be written as ``\t``, which SQL's quotes leave as two characters.
    """
    sign = str(option.value).replace("\\t", "\t")
    if not sign and none:
        return sign
    if len(sign) != 1 or not sign.isascii() or sign in "\r\n":
        raise _refused(option, "one ASCII character that is no line end")
    return sign


def _choice(given: Mapping[str, CopyOption], name: str, accepted: tuple[Any, ...]) -> Any:
    option = given.get(name)
    if option is None:
        return None
    value = option.value.lower() if isinstance(option.value, str) else None
    if value not in accepted:
        raise _refused(option, f"one of {', '.join(accepted)}")
    return value


def _text(given: Mapping[str, CopyOption], name: str) -> str | None:
    value = _checked(given, name, lambda value: isinstance(value, str), "a quoted text")
    return None if value is None else str(value)


def _checked(
    given: Mapping[str, CopyOption], name: str, fits: Callable[[object], bool], accepted: str
) -> object:
    option = given.get(name)
    if option is None:
        return None
    if not fits(option.value):
        raise _refused(option, accepted)
    return option.value


def _refused(option: CopyOption, accepted: str) -> ProgrammingError:
    return ProgrammingError(
        f"option {option.name.upper()} does not take {option.value!r}",
        sqlstate="22023",
        hint=f"it takes {accepted}",
        **at(option.place),
    )
