"""Coercion of TIMESTAMP and DATE (the rules are in value.py)."""

from datetime import UTC, date, datetime, time

from pegasus_tab.base.errors import DataError
from pegasus_tab.tabular.refusal import bad_text, out_of_range, wrong_type


def timestamp(value: object) -> datetime:
    """Coerce to TIMESTAMP: a datetime (aware ones move to UTC), a date, or text in ISO 8601."""
    if isinstance(value, str):
        value = _timestamp_text(value)
    if isinstance(value, datetime):
        try:
            if value.tzinfo is not None:
                value = value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise out_of_range("TIMESTAMP", value, "22008") from None
        return value if type(value) is datetime else _plain_datetime(value)
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    raise wrong_type("TIMESTAMP", value, hint="Pass a datetime, or text in ISO 8601.")


def _plain_datetime(value: datetime) -> datetime:
    """Turn a subclass (pandas.Timestamp) into the class proper, so that it compares and pickles."""
    return datetime(  # noqa: DTZ001 -- naive means UTC in this layer
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
    )


def _timestamp_text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        error = bad_text("TIMESTAMP", text, "22007")
        error.hint = "Write it as '2024-01-31 10:20:30.5' or '2024-01-31 10:20:30+02'."
        raise error from None


def date_value(value: object) -> date:
    """Coerce to DATE: a date, a datetime at midnight, or text in ISO 8601."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            error = bad_text("DATE", value, "22007")
            error.hint = "Write it as '2024-01-31'."
            raise error from None
    if isinstance(value, datetime):
        if value.tzinfo is not None or value.time() != time.min:
            message = f"{value} has a time of day and does not fit type DATE"
            raise DataError(
                message, sqlstate="22023", hint="Write CAST(... AS DATE) to cut it off."
            )
        return value.date()
    if isinstance(value, date):
        return value
    raise wrong_type("DATE", value, hint="Pass a date, or text in ISO 8601.")
