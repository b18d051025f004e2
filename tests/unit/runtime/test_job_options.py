"""Options of jobs: what a server would stumble over is refused where it comes in."""

import json

import pytest

from pegasus_server.runtime.job_options import OPTIONS_BYTES_MAX, BadOptionsError, job_options


def test_options_that_are_not_given_have_defaults() -> None:
    assert job_options("export", '{"target": "/e"}') == {
        "target": "/e",
        "format": "parquet",
        "ddl": "",
        "bytes_per_second": 0,
    }


def test_a_restore_has_names() -> None:
    given = {"target": "/b", "source": "t", "at": "20300101T000000Z-1", "name": "u"}
    assert job_options("restore", json.dumps(given)) == {**given, "bytes_per_second": 0}


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        ("copy", "{}", "no jobs of kind 'copy'"),
        ("export", "", "truncated"),
        ("export", "[" * 60_000, "Expected `object`"),
        ("export", "{}", "required field `target`"),
        ("export", '{"target": "\\ud800"}', "job of kind export"),
        ("export", '{"target": "\ud800"}', "surrogates"),
        ("export", '{"target": "/e", "format": "orc"}', "orc"),
        ("export", '{"target": "/e", "bytes_per_second": "fast"}', "bytes_per_second"),
        ("export", '{"target": "/e", "bytes_per_second": -1}', "bytes_per_second"),
        ("export", '{"target": "/e", "envs": {}}', "unknown field `envs`"),
        ("backup", '{"target": "/e", "full": 1}', "full"),
        ("restore", '{"target": "/e", "source": "t", "at": null, "name": "u"}', "at"),
        ("export", json.dumps({"target": "x" * OPTIONS_BYTES_MAX}), "limit"),
    ],
)
def test_other_options_are_refused(kind: str, text: str, fault: str) -> None:
    with pytest.raises(BadOptionsError, match=fault):
        job_options(kind, text)
