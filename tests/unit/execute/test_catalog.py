"""The catalog: its five seconds, its generations, damaged schemas, and meta being away."""

from collections.abc import Sequence
from typing import Self

import pytest

from pegasus_tab.base.errors import InternalError, OperationalError
from pegasus_tab.execute.catalog import LIFE_SECONDS, Catalog
from pegasus_tab.tabular.create import ColumnSpec, new_schema
from pegasus_tab.tabular.schema import SCHEMA_ENV, ColumnType, Kind
from pegasus_tab.tabular.schema_json import to_json
from pegasus_tab.wire.messages import AppInfo

SCHEMA = new_schema([ColumnSpec("id", ColumnType(Kind.INT))], ["id"], [])


class Meta:
    """A cluster's list of tables, with a clock beside it; the catalog takes it for a client.

    Attributes:
        limits_ms: how long each question might have taken.
    """

    def __init__(self) -> None:
        self.apps: list[AppInfo] = []
        self.now = 100.0
        self.limits_ms: list[int] = []
        self.reachable = True

    def within(self, limit: int) -> Self:
        self.limits_ms.append(limit)
        return self

    def list_tables(self) -> Sequence[AppInfo]:
        if not self.reachable:
            self.now += self.limits_ms[-1] / 1000
            raise OperationalError("meta is away")
        return list(self.apps)

    def catalog(self) -> Catalog:
        return Catalog(self, lambda: self.now)


def app(name: str, app_id: int = 1, **envs: str) -> AppInfo:
    return AppInfo(app_name=name, app_id=app_id, partition_count=4, envs=envs)


def left_ms() -> int:
    return 3000


def refreshed(catalog: Catalog) -> Catalog:
    catalog.refresh(left_ms)
    return catalog


def test_a_listing_lives_five_seconds() -> None:
    meta = Meta()
    catalog = refreshed(meta.catalog())
    assert catalog.names() == []
    meta.apps.append(app("t"))
    meta.now += LIFE_SECONDS - 0.1
    assert refreshed(catalog).table("t") is None
    meta.now += 0.2
    assert refreshed(catalog).names() == ["t"]
    assert len(meta.limits_ms) == 2


def test_own_changes_show_at_once_and_begin_a_generation() -> None:
    meta = Meta()
    catalog = refreshed(meta.catalog())
    first = catalog.generation
    catalog.invalidate()
    assert refreshed(catalog).generation == first
    meta.apps.append(app("t"))
    catalog.invalidate()
    assert refreshed(catalog).generation == first + 1
    assert catalog.names() == ["t"]


def test_a_table_with_a_schema_and_a_raw_one() -> None:
    meta = Meta()
    meta.apps = [app("raw", 3), app("tab", 4, **{SCHEMA_ENV: to_json(SCHEMA), "default_ttl": "60"})]
    catalog = refreshed(meta.catalog())
    raw, tab = catalog.table("raw"), catalog.table("tab")
    assert raw is not None
    assert raw.raw
    assert tab is not None
    assert (tab.schema, tab.raw, tab.envs) == (SCHEMA, False, (("default_ttl", "60"),))


def test_a_damaged_schema_spoils_only_its_own_table() -> None:
    meta = Meta()
    meta.apps = [app("bad", 1, **{SCHEMA_ENV: "{"}), app("good", 2)]
    catalog = refreshed(meta.catalog())
    assert catalog.names() == ["bad", "good"]
    assert catalog.table("good") is not None
    with pytest.raises(InternalError) as caught:
        catalog.table("bad")
    assert caught.value.sqlstate == "XX001"


def test_known_tables_outlive_meta() -> None:
    meta = Meta()
    catalog = meta.catalog()
    meta.reachable = False
    with pytest.raises(OperationalError):
        catalog.refresh(left_ms)
    meta.reachable = True
    meta.apps = [app("t")]
    assert refreshed(catalog).table("t") is not None
    meta.reachable = False
    meta.now += 2 * LIFE_SECONDS
    assert refreshed(catalog).table("t") is not None
    assert catalog.generation == 1


def test_a_silent_meta_server_takes_half_of_the_time_that_is_left() -> None:
    meta = Meta()
    meta.apps = [app("t")]
    catalog = refreshed(meta.catalog())
    meta.reachable = False
    meta.now += 2 * LIFE_SECONDS
    assert refreshed(catalog).table("t") is not None
    assert meta.limits_ms == [3000, 1500]
    meta.now += LIFE_SECONDS - 0.1
    refreshed(catalog)
    assert len(meta.limits_ms) == 2, "the next five seconds begin when it has given up"
