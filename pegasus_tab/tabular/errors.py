"""The tabular layer's own errors, for the three cases in which a caller does something about one."""

from pegasus_tab.base.errors import DataError, InternalError, ProgrammingError


class UnknownLayout(InternalError):  # noqa: N818 -- says what it is
    """A row names a layout or family that this schema does not have: the schema is out of date.

    The caller fetches the table's schema anew and decodes again; if the newest schema does not
    know the layout either, the row is damaged.
    """


class ImpossibleKey(DataError):  # noqa: N818 -- says what it is
    """No row can have this key (empty or over the size limit).

    A writer reports it; a reader answers "no rows".
    """


class SchemaError(ProgrammingError):
    """A table definition or change that cannot be.

    Attributes:
        name: the column or family at fault (for the caret), or an empty string.
    """

    def __init__(
        self, message: str = "", *, name: str = "", sqlstate: str = "42P16", hint: str | None = None
    ) -> None:
        super().__init__(message, sqlstate=sqlstate, hint=hint)
        self.name = name
