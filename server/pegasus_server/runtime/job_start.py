"""What the job machine is told to start: what is wanted, and what the servers need to know of a table."""

import json
from collections.abc import Mapping

from pegasus_server.meta.jobs.inputs import StartJob
from pegasus_server.meta.table import Table
from pegasus_server.runtime.clock import unix_seconds
from pegasus_tab.tabular.schema import SCHEMA_ENV
from pegasus_tab.tabular.schema_json import from_json


def start_of_job(
    kind: str, table: Table, options: Mapping[str, object], token: object, origin: str = ""
) -> StartJob:
    """Return the input that starts a job of a table.

    Args:
        kind: of the job.
        table: that it is about.
        options: as its kind understands them; ``target`` must be among them.
        token: comes back in the answer.
        origin: see Job.

    Raises:
        Error: the table's schema is damaged.
    """
    return StartJob(
        kind=kind,
        table=table.name,
        app_id=table.app_id,
        partitions=table.partition_count,
        subject=f"{kind} of {table.name} at {options['target']}",
        options=json.dumps({**options, **_facts(table)}),
        unix_seconds=unix_seconds(),
        token=token,
        origin=origin,
        relies_on=str(options["source"]) if kind == "restore" else "",
        removes_of=table.name if kind == "prune" else "",
    )


def _facts(table: Table) -> dict[str, object]:
    schema = table.envs.get(SCHEMA_ENV, "")
    return {
        "table": table.name,
        "app_id": table.app_id,
        "partitions": table.partition_count,
        "replicas": table.max_replica_count,
        "envs": dict(table.envs),
        "schema": schema,
        "schema_version": from_json(schema).version if schema else 0,
    }
