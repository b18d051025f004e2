"""The cluster state as JSON text, the content of ``meta/state.json``."""

import json
from dataclasses import asdict
from typing import Any

from pegasus_server.meta.cluster_state import ClusterState
from pegasus_server.meta.function_level import FunctionLevel
from pegasus_server.meta.table import Table, TableStatus
from pegasus_tab.base.ids import Ballot

STATE_FORMAT = 1


class StateDamagedError(Exception):
    """The text is not a cluster state this version can read."""


def encode_state(state: ClusterState) -> str:
    """Render the state; ``decode_state`` gives an equal one back."""
    content = {
        "format": STATE_FORMAT,
        "next_app_id": state.next_app_id,
        "level": state.level,
        "lost_ids": state.lost_ids,
        "tables": [asdict(table) for table in state.tables.values()],
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def decode_state(text: str) -> ClusterState:
    """Parse what ``encode_state`` wrote.

    Raises:
        StateDamagedError: not JSON, another format, or fields that do not make a valid state.
    """
    try:
        content = json.loads(text)
        if content["format"] != STATE_FORMAT:
            raise StateDamagedError(
                f"format {content['format']!r}, this version reads {STATE_FORMAT}"
            )
        tables = [_decode_table(each) for each in content["tables"]]
        level = content.get("level")
        state = ClusterState(
            int(content["next_app_id"]),
            {each.app_id: each for each in tables},
            None if level is None else FunctionLevel(level),
            tuple(int(each) for each in content.get("lost_ids", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StateDamagedError(f"not a cluster state ({error!r})") from error
    if any(not 1 <= each < state.next_app_id for each in (*state.tables, *state.lost_ids)):
        raise StateDamagedError("a table id is not below next_app_id")
    return state


def _decode_table(fields: dict[str, Any]) -> Table:
    return Table(
        app_id=int(fields["app_id"]),
        name=str(fields["name"]),
        status=TableStatus(fields["status"]),
        max_replica_count=int(fields["max_replica_count"]),
        ballots=tuple(Ballot(int(each)) for each in fields["ballots"]),
        create_second=int(fields["create_second"]),
        envs={str(name): str(value) for name, value in fields["envs"].items()},
        drop_second=int(fields["drop_second"]),
        expire_second=int(fields["expire_second"]),
    )
