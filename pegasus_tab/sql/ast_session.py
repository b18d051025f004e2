"""SHOW, DESCRIBE, BALANCE, SET and RESET as written (see ``ast``)."""

from dataclasses import field
from typing import Literal, TypeAlias

from pegasus_tab.base.record import record
from pegasus_tab.sql.ast import TableName
from pegasus_tab.sql.place import Place


@record
class Show:
    """SHOW ... and DESCRIBE t; ``name`` is the setting for ``option``, None for all."""

    what: Literal[
        "tables",
        "dropped",
        "nodes",
        "cluster",
        "partitions",
        "create",
        "describe",
        "jobs",
        "option",
    ]
    table: TableName | None = None
    name: str | None = None
    place: Place | None = field(default=None, compare=False)


@record
class Balance:
    """BALANCE [PRIMARIES | REPLICAS] [LIMIT n] [DRY RUN]; ``what`` is None for both."""

    what: Literal["primaries", "replicas"] | None = None
    moves_max: int | None = None
    is_dry: bool = False
    place: Place | None = field(default=None, compare=False)


@record
class SetOption:
    """SET name = value; None resets it."""

    name: str
    value: object
    place: Place | None = field(default=None, compare=False)


SessionStatement: TypeAlias = Show | Balance | SetOption
