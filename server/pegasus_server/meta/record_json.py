"""Tables and partitions as JSON texts, one a record: what a store with many small records keeps."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from pegasus_server.meta.partition import DROPS_MAX, Drop, PartitionRecord
from pegasus_server.meta.state_json import StateDamagedError, decode_table_fields
from pegasus_server.meta.table import Table
from pegasus_tab.base.cluster import PartitionConfig
from pegasus_tab.base.ids import Ballot, NodeName

RECORD_FORMAT = 1

Record = TypeVar("Record")


def encode_table(table: Table) -> str:
    """Render a table; ``decode_table`` gives an equal one back."""
    return json.dumps({"format": RECORD_FORMAT, **asdict(table)}, sort_keys=True)


def decode_table(text: str) -> Table:
    """Parse what ``encode_table`` wrote.

    Raises:
        StateDamagedError: not JSON, another format, or fields that do not make a table.
    """
    return _decode(text, decode_table_fields)


def encode_partition(record: PartitionRecord) -> str:
    """Render a partition; ``decode_partition`` gives an equal one back."""
    content = {
        "format": RECORD_FORMAT,
        "ballot": record.config.ballot,
        "primary": record.config.primary,
        "secondaries": record.config.secondaries,
        "max_replica_count": record.config.max_replica_count,
        "drops": [[each.node, each.ballot] for each in record.drops],
    }
    return json.dumps(content, sort_keys=True)


def decode_partition(text: str) -> PartitionRecord:
    """Parse what ``encode_partition`` wrote.

    Raises:
        StateDamagedError: not JSON, another format, or fields that do not make a partition.
    """
    return _decode(text, _partition)


def _decode(text: str, build: Callable[[dict[str, Any]], Record]) -> Record:
    try:
        content = json.loads(text)
        if content["format"] != RECORD_FORMAT:
            raise StateDamagedError(
                f"format {content['format']!r}, this version reads {RECORD_FORMAT}"
            )
        return build(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StateDamagedError(f"not a record of the meta store ({error!r})") from error


def _partition(fields: dict[str, Any]) -> PartitionRecord:
    primary = fields["primary"]
    secondaries = tuple(NodeName(str(each)) for each in fields["secondaries"])
    ballot, replica_count = int(fields["ballot"]), int(fields["max_replica_count"])
    drops = tuple(
        Drop(NodeName(str(node)), Ballot(int(dropped))) for node, dropped in fields["drops"]
    )
    members = [*secondaries, *([] if primary is None else [str(primary)])]
    # The values assert their invariants; what comes from a disk is refused before.
    everybody = [*members, *(each.node for each in drops)]
    ballots = [each.ballot for each in drops]
    if len(drops) > DROPS_MAX:
        raise ValueError(f"{len(drops)} drops, at most {DROPS_MAX} are kept")
    if ballot < 0 or replica_count < 1 or len(set(everybody)) != len(everybody):
        raise ValueError("ballot, replica count or members make no sense")
    if ballots != sorted(ballots) or any(each >= ballot for each in ballots):
        raise ValueError("the ballots of the drops make no sense")
    config = PartitionConfig(
        Ballot(ballot),
        None if primary is None else NodeName(str(primary)),
        secondaries,
        replica_count,
    )
    return PartitionRecord(config, drops)
