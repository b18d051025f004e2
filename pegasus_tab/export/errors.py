"""What can be wrong with a target, each case an error of its own where a caller acts on it."""

from pegasus_tab.base.errors import DataError, InternalError, OperationalError, ProgrammingError


class TargetError(OperationalError):
    """The target did not do what was asked: missing, unwritable, full, out of reach.

    Attributes:
        name: the file or folder at fault, relative to the target, or an empty string.
    """

    default_sqlstate = "58030"

    def __init__(self, message: str = "", *, name: str = "", **fields: object) -> None:
        super().__init__(message, **fields)  # type: ignore[arg-type]
        self.name = name


class Unwritable(TargetError):  # noqa: N818 -- says what it is
    """The target will not have it: no right to, no folder there, read-only; asking again is no use."""


class NameTaken(TargetError):  # noqa: N818 -- says what it is
    """A file was to be published under a name that exists already; nothing was changed."""

    default_sqlstate = "58P02"


class NoSuchFile(TargetError):  # noqa: N818 -- says what it is
    """A file or folder that was asked for does not exist."""

    default_sqlstate = "58P01"


class BadTarget(ProgrammingError):  # noqa: N818 -- says what it is
    """A target URL that cannot be: unknown scheme, missing package, no path."""

    default_sqlstate = "22023"


class NameLeavesTarget(DataError):  # noqa: N818 -- says what it is
    """A file name, from a manifest or an option, that points outside the target folder."""

    default_sqlstate = "22023"


class DamagedExport(InternalError):  # noqa: N818 -- says what it is
    """A file, manifest or marker of an export is not what was written.

    Attributes:
        name: the file at fault, relative to the target.
    """

    default_sqlstate = "XX001"

    def __init__(self, message: str = "", *, name: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.name = name
