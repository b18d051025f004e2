"""What can be wrong with files to load, each saying which file it is."""

from pegasus_tab.base.errors import DataError, Error, NotSupportedError


class BadFile(DataError):  # noqa: N818 -- says what it is
    """A file that cannot be read as what it should be: truncated, encrypted, of another format."""

    default_sqlstate = "22P04"


class TooManyRejects(DataError):  # noqa: N818 -- says what it is
    """More rows do not fit than the statement allows."""


def in_file(error: Error, file: str) -> Error:
    """Return an error with the file it is about in front."""
    error.message = f"{file}: {error.message}"
    return error


def missing_package(error: ImportError) -> NotSupportedError:
    """Return the error for files that need pyarrow or fsspec, which are not there."""
    return NotSupportedError(
        f"reading files needs the package {error.name}, which is not installed",
        hint="pip install 'pegasus-tab[analytics]'",
    )
