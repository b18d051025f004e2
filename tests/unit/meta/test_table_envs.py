"""Which table envs are taken."""

import pytest

from pegasus_server.meta.table_envs import (
    DEFAULT_TTL_ENV,
    ENV_BYTES_MAX,
    SCHEMA_ENV,
    env_fault,
    schema_version,
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_ttl", "0"),
        ("default_ttl", "2147483647"),
        ("manual_compact.once.target_level", "-1"),
        ("manual_compact.periodic.trigger_time", "3:00,21:00"),
        ("replica.write_throttling", "2000*delay*100"),
        ("replica.write_throttling", "20K*delay*100,20K*reject*100"),
        ("replica.deny_client_request", "reconfig*all"),
        ("rocksdb.usage_scenario", "bulk_load"),
        ("replica.slow_query_threshold", "20"),
        ("tab.schema", '{"version": 1}'),
    ],
)
def test_known_envs_take_their_values(name: str, value: str) -> None:
    assert env_fault(name, value) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_ttl", ""),
        ("default_ttl", "-1"),
        ("default_ttl", "2147483648"),
        ("default_ttl", "1" * 5000),
        ("default_ttl", "1.5"),
        ("default_ttl", "\u0661"),
        ("manual_compact.once.target_level", "0"),
        ("manual_compact.periodic.trigger_time", "noon"),
        ("replica.write_throttling", "fast"),
        ("rocksdb.usage_scenario", "weird"),
        ("replica.slow_query_threshold", "19"),
        ("tab.schema", "{"),
        ("tab.schema", "[" * 100_000),
        ("business.info", "x" * (ENV_BYTES_MAX + 1)),
        ("no.such.env", "1"),
    ],
)
def test_other_values_are_refused_with_a_reason(name: str, value: str) -> None:
    fault = env_fault(name, value)
    assert fault is not None
    assert name in fault


@pytest.mark.parametrize(
    ("schema", "version"),
    [
        (None, 0),
        ('{"version": 7}', 7),
        ("{}", -1),
        ('{"version": true}', -1),
        ('{"version": "7"}', -1),
        ("7", -1),
        ("{", -1),
    ],
)
def test_schema_version(schema: str | None, version: int) -> None:
    assert schema_version(schema) == version


def test_names_are_those_the_other_packages_use() -> None:
    from pegasus_tab.tabular.schema import SCHEMA_ENV as TABULAR_SCHEMA_ENV

    assert SCHEMA_ENV == TABULAR_SCHEMA_ENV
    assert DEFAULT_TTL_ENV == "default_ttl"
