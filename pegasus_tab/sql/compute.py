"""Constant expressions taken out of a plan, to be worked out once an execution.

Parts that an execution may have to skip (the arms of CASE, the later arguments of COALESCE) stay
where they are: ``CASE WHEN n = 0 THEN 0 ELSE 1 / 0 END`` must not fail for other rows.
"""

from dataclasses import replace

from pegasus_tab.sql.bind_expression import type_of
from pegasus_tab.sql.expression import Call, Expression, MapItem, Parameter
from pegasus_tab.sql.tree import is_constant

_CONDITIONAL = frozenset(("case", "coalesce", "nullif"))


class Computed:
    """Collects the constant expressions of one statement.

    Args:
        parameter_count: values the statement is given; computed ones are numbered behind them.
    """

    def __init__(self, parameter_count: int) -> None:
        self._first = parameter_count
        self.expressions: list[Expression] = []

    def extract(self, expression: Expression) -> Expression:
        """Return the expression with each constant call replaced by a parameter."""
        match expression:
            case Call(function=function, arguments=arguments):
                if is_constant(expression) and function not in _CONDITIONAL:
                    return Parameter(self.index(expression), type_of(expression))
                if function in _CONDITIONAL:
                    return expression
                changed = tuple(self.extract(one) for one in arguments)
                return replace(expression, arguments=changed)
            case MapItem(key=key):
                return replace(expression, key=self.extract(key))
            case _:
                return expression

    def index(self, expression: Expression) -> int:
        """Return the parameter index under which an execution finds the expression's value."""
        if expression not in self.expressions:
            self.expressions.append(expression)
        return self._first + self.expressions.index(expression)
