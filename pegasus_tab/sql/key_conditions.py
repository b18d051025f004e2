"""What a conjunction says about one key column: the values it may have, or the range it lies in.

Only conditions between the column and constants count. Literal conditions are intersected here;
conditions on parameters cannot be before execution, so the best one is sought by and the others
stay filters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from pegasus_tab.base.record import record
from pegasus_tab.sql.expression import Call, ColumnRef, Expression, Literal, Parameter
from pegasus_tab.sql.plan_nodes import Bound
from pegasus_tab.tabular.schema import Column

_ORDERED = (bool, int, Decimal, str, bytes, date, UUID)
"""Python types whose order is the order of the encoded keys; DOUBLE has NaN, which Python misplaces."""


@dataclass(slots=True)
class ColumnConditions:
    """What is known of one key column.

    Attributes:
        values: the only values it may have, None when it may have any; each a literal, a parameter
            or a parameter cast to the column's type.
        lower: least value, for columns without ``values``.
        upper: greatest value.
        answered: the conjuncts that ``values``, or else the bounds, answer exactly.
        impossible: no value satisfies the conjunction.
    """

    values: tuple[Expression, ...] | None = None
    lower: Bound | None = None
    upper: Bound | None = None
    answered: list[Expression] = field(default_factory=list)
    impossible: bool = False


@record
class _Condition:
    """One conjunct about the column: its values, or one end of a range; exact when that is all it says."""

    conjunct: Expression
    values: tuple[Expression, ...] = ()
    lower: Bound | None = None
    upper: Bound | None = None
    exact: bool = True

    @property
    def literal(self) -> bool:
        atoms = [*self.values, *(end.value for end in (self.lower, self.upper) if end)]
        return all(_is_ordered_literal(atom) for atom in atoms)


def column_conditions(column: Column, conjuncts: Iterable[Expression]) -> ColumnConditions:
    """Return what the conjuncts say about ``column``, a key column."""
    found = [made for one in conjuncts if (made := _condition(column, one)) is not None]
    memberships = [one for one in found if one.values]
    ranges = [one for one in found if not one.values]
    if memberships:
        return _membership(memberships, ranges)
    return _range(ranges)


# ---- reading conjuncts --------------------------------------------------------------------------


def _condition(column: Column, conjunct: Expression) -> _Condition | None:
    match conjunct:
        case Call(function=symbol, arguments=(ColumnRef(column=id_), *others)) if id_ == column.id:
            atoms = [_atom(column, one) for one in others]
            if any(one is None for one in atoms):
                return None
            known = [one for one in atoms if one is not None]
            # A parameter without a type is cast to a DECIMAL by rounding: look again afterwards.
            exact = not any(isinstance(one, Parameter) and one.type is None for one in others)
            return _read(conjunct, symbol, known, exact=exact)
    return None


def _atom(column: Column, expression: Expression) -> Expression | None:
    match expression:
        case Parameter(type=None):
            return Call("cast", (expression,), column.type)
        case Parameter(type=type_) if type_ == column.type:
            return expression
        case Literal(value=value, type=type_) if value is not None and type_ == column.type:
            return expression
    return None


def _read(
    conjunct: Expression, symbol: str, atoms: list[Expression], *, exact: bool
) -> _Condition | None:
    match symbol:
        case "=" | "in":
            return _Condition(conjunct, values=tuple(atoms), exact=exact)
        case ">" | ">=":
            return _Condition(
                conjunct, lower=Bound(atoms[0], symbol == ">=" or not exact), exact=exact
            )
        case "<" | "<=":
            return _Condition(
                conjunct, upper=Bound(atoms[0], symbol == "<=" or not exact), exact=exact
            )
        case "like":
            return _prefix(conjunct, atoms[0])
        case _:
            return None


def _prefix(conjunct: Expression, pattern: Expression) -> _Condition | None:
    """``LIKE 'abc%'`` lies between 'abc' and 'abd'; the pattern itself is still to be matched."""
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        return None
    text = pattern.value
    ends = [place for place in map(text.find, "%_\\") if place >= 0]
    prefix = text[: min(ends)] if ends else text
    if not prefix:
        return None
    upper = None
    if (successor := text_successor(prefix)) is not None:
        upper = Bound(Literal(successor, pattern.type), inclusive=False)
    lower = Bound(Literal(prefix, pattern.type), inclusive=True)
    return _Condition(conjunct, lower=lower, upper=upper, exact=False)


def text_successor(prefix: str) -> str | None:
    """Return the least text above every text that begins with ``prefix``, None when there is none."""
    while prefix:
        code = ord(prefix[-1])
        if code < 0x10FFFF:
            # U+D800 to U+DFFF are no characters.
            following = 0xE000 if code + 1 == 0xD800 else code + 1
            return prefix[:-1] + chr(following)
        prefix = prefix[:-1]
    return None


def _is_ordered_literal(atom: Expression) -> bool:
    return isinstance(atom, Literal) and isinstance(atom.value, _ORDERED)


# ---- putting them together ----------------------------------------------------------------------


def _membership(memberships: list[_Condition], ranges: list[_Condition]) -> ColumnConditions:
    literal = [one for one in memberships if one.literal]
    if not literal:
        best = min(memberships, key=lambda one: len(one.values))
        return ColumnConditions(best.values, answered=[best.conjunct] if best.exact else [])
    kept = list(literal[0].values)
    for other in literal[1:]:
        wanted = [_value(one) for one in other.values]
        kept = [one for one in kept if _value(one) in wanted]
    limits = [one for one in ranges if one.literal]
    for limit in limits:
        kept = [one for one in kept if _within(_value(one), limit.lower, limit.upper)]
    answered = [one.conjunct for one in (*literal, *limits) if one.exact]
    return ColumnConditions(tuple(kept), answered=answered, impossible=not kept)


def _within(value: Any, lower: Bound | None, upper: Bound | None) -> bool:
    if lower is not None:
        least = _value(lower.value)
        if value < least or (value == least and not lower.inclusive):
            return False
    if upper is not None:
        most = _value(upper.value)
        if value > most or (value == most and not upper.inclusive):
            return False
    return True


def _range(ranges: Sequence[_Condition]) -> ColumnConditions:
    lowers = [one for one in ranges if one.lower is not None]
    uppers = [one for one in ranges if one.upper is not None]
    lower_used, upper_used = _tightest(lowers, lower=True), _tightest(uppers, lower=False)
    lower = lower_used[0].lower if lower_used else None
    upper = upper_used[0].upper if upper_used else None
    answered: list[Expression] = []
    for one in (*lower_used, *upper_used):
        if one.exact and one.conjunct not in answered:
            answered.append(one.conjunct)
    impossible = (
        lower is not None
        and upper is not None
        and _is_ordered_literal(lower.value)
        and _is_ordered_literal(upper.value)
        and not _overlap(lower, upper)
    )
    return ColumnConditions(None, lower, upper, answered, impossible)


def _tightest(conditions: list[_Condition], *, lower: bool) -> list[_Condition]:
    """Return the conditions that one bound answers, the one that gives the bound first."""
    parameters = [one for one in conditions if not one.literal]
    if parameters:
        # Whether a literal or a parameter is tighter shows at execution; the other stays a filter.
        return parameters[:1]
    if not conditions:
        return []

    def rank(one: _Condition) -> tuple[Any, bool]:
        bound = one.lower if lower else one.upper
        assert bound is not None  # the caller chose by it
        return _value(bound.value), bound.inclusive is not lower

    return sorted(conditions, key=rank, reverse=lower)


def _overlap(lower: Bound, upper: Bound) -> bool:
    least, most = _value(lower.value), _value(upper.value)
    return bool(least < most or (least == most and lower.inclusive and upper.inclusive))


def _value(atom: Expression) -> Any:
    assert isinstance(atom, Literal)
    return atom.value
