"""Session settings: their names, what they accept, their defaults."""

from collections.abc import Callable, Mapping

from pegasus_tab.base.errors import ProgrammingError
from pegasus_tab.base.record import record
from pegasus_tab.sql.intervals import interval
from pegasus_tab.sql.place import Place, at
from pegasus_tab.sql.suggest import nearest

FULL_SCAN = "full_scan"
TIMEOUT = "timeout"
TIMEOUT_MS_MAX = 24 * 3600 * 1000


@record
class Setting:
    """One session setting.

    Attributes:
        name: as in SET.
        default: its value in a new session of the driver.
        accepts: what may be set, for errors and the shell.
        read: brings a value into the setting's form; raises ValueError for one it does not take.
    """

    name: str
    default: object
    accepts: str
    read: Callable[[object], object]


def _full_scan(value: object) -> str:
    if isinstance(value, str) and value.lower() in ("allow", "warn", "error"):
        return value.lower()
    raise ValueError


def _timeout_ms(value: object) -> int:
    if isinstance(value, str):
        value = int(interval(value).total_seconds() * 1000)
    if type(value) is not int or not 0 < value <= TIMEOUT_MS_MAX:
        raise ValueError
    return value


SETTINGS = {
    setting.name: setting
    for setting in (
        Setting(FULL_SCAN, "allow", "allow, warn or error", _full_scan),
        Setting(TIMEOUT, 30_000, "milliseconds, or text such as '5s'", _timeout_ms),
    )
}


def known_setting(name: str, place: Place | None = None) -> Setting:
    """Return a setting; raise ProgrammingError 42704, with did-you-mean, when there is none."""
    setting = SETTINGS.get(name)
    if setting is None:
        raise ProgrammingError(
            f'there is no setting "{name}"',
            sqlstate="42704",
            hint=nearest(name, SETTINGS) or f"settings are {', '.join(SETTINGS)}",
            **at(place),
        )
    return setting


def setting_value(name: str, value: object, place: Place | None = None) -> object:
    """Return the value in the setting's form; None (reset) passes.

    Raises:
        ProgrammingError: 42704 no such setting, 22023 a value it does not take.
    """
    setting = known_setting(name, place)
    if value is None:
        return None
    try:
        return setting.read(value)
    except ValueError:
        raise ProgrammingError(
            f"{name} does not take {value!r}",
            sqlstate="22023",
            hint=f"it takes {setting.accepts}",
            **at(place),
        ) from None


def current(settings: Mapping[str, object], name: str) -> object:
    """Return a setting's value in a session, its default when the session says nothing."""
    value = settings.get(name)
    return SETTINGS[name].default if value is None else value
