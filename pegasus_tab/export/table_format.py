"""What part files say about the table beside its rows: keys, ids, definition, order."""

from collections.abc import Mapping

import pyarrow as pa

from pegasus_tab.export.manifest import Description
from pegasus_tab.tabular.arrow_types import arrow_schema
from pegasus_tab.tabular.key_element import FIXED_KEY_BYTES
from pegasus_tab.tabular.schema import RAW_SCHEMA, Schema
from pegasus_tab.tabular.schema_json import from_json


def schema_of(description: Description) -> Schema:
    """Return the table's schema.

    Raises:
        InternalError: the description's schema is damaged.
    """
    return from_json(description.schema) if description.schema else RAW_SCHEMA


def file_schema(schema: Schema, file_facts: Mapping[str, str]) -> pa.Schema:
    """Return the Arrow schema of part files: all columns, with what is known of each.

    Args:
        schema: the table's.
        file_facts: for the schema's metadata, put under ``wc.``.
    """
    ids = [column.id for column in schema.columns]
    fields = [
        field.with_metadata({"PARQUET:field_id": str(id_), **_key_fact(schema, id_)}).with_nullable(
            not column.not_null
        )
        for id_, field, column in zip(ids, arrow_schema(schema, ids), schema.columns, strict=True)
    ]
    return pa.schema(fields, {f"wc.{name}": value for name, value in file_facts.items()})


def _key_fact(schema: Schema, id_: int) -> dict[str, str]:
    if id_ in schema.hash_key:
        return {"wc.key": f"hash:{schema.hash_key.index(id_)}"}
    for position, sort in enumerate(schema.sort_key):
        if sort.column == id_:
            return {"wc.key": f"sort:{position}" + (":desc" if sort.descending else "")}
    return {}


def sorted_by(schema: Schema) -> list[tuple[str, str]]:
    """Return the columns by which the rows of a partition are in order, with the direction.

    Keys begin with the length of the hash key, so rows are in the order of their columns only if
    all hash keys are equally long; otherwise none is promised.
    """
    columns = {column.id: column for column in schema.columns}
    if any(columns[id_].type.kind not in FIXED_KEY_BYTES for id_ in schema.hash_key):
        return []
    hashed = [(columns[id_].name, "ascending") for id_ in schema.hash_key]
    return hashed + [
        (columns[sort.column].name, "descending" if sort.descending else "ascending")
        for sort in schema.sort_key
    ]
