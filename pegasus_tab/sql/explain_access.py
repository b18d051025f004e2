"""Access paths in words: their names, the partitions they touch, what they seek."""

from pegasus_tab.sql.plan_nodes import (
    Access,
    Bound,
    MultiGet,
    MultiRange,
    NoRows,
    PointGet,
    RangeScan,
    Source,
    TableScan,
)
from pegasus_tab.sql.render import Renderer

_NAMES: dict[type, str] = {
    PointGet: "point get",
    MultiGet: "multi get",
    RangeScan: "range scan",
    MultiRange: "multi range scan",
    TableScan: "full scan",
    NoRows: "no rows",
}


def access_name(access: Access) -> str:
    """Return the access path's name, lower case."""
    if isinstance(access, RangeScan) and access.reverse:
        return "reverse range scan"
    return _NAMES[type(access)]


def partitions_touched(source: Source) -> str:
    """Return how many of the table's partitions are asked: ``1 of 8``, ``up to 3 of 8``, ``all 8``."""
    count = source.table.partition_count
    match source.access:
        case NoRows():
            return f"none of {count}"
        case TableScan():
            return f"all {count}"
        case MultiGet(hash_keys=keys) | MultiRange(hash_keys=keys) if len(keys) > 1:
            return f"up to {min(len(keys), count)} of {count}"
        case _:
            return f"1 of {count}"


def key_lines(source: Source, renderer: Renderer) -> dict[str, object]:
    """Return the facts about keys that the predicates do not show: counts, and the range sought."""
    match source.access:
        case MultiGet(hash_keys=hash_keys, sort_keys=sort_keys):
            return {"Keys": len(hash_keys) * len(sort_keys)}
        case MultiRange(hash_keys=hash_keys, prefix=prefix, lower=lower, upper=upper):
            facts: dict[str, object] = {"Hash keys": len(hash_keys)}
            return facts | _range(source, renderer, len(prefix), lower, upper)
        case RangeScan(prefix=prefix, lower=lower, upper=upper):
            return _range(source, renderer, len(prefix), lower, upper)
        case _:
            return {}


def _range(
    source: Source, renderer: Renderer, place: int, lower: Bound | None, upper: Bound | None
) -> dict[str, object]:
    if lower is None and upper is None:
        return {}
    column = renderer.column(source.table.schema.sort_key[place].column)
    ends = []
    if lower is not None:
        ends.append(f"{column} {'>=' if lower.inclusive else '>'} {renderer.text(lower.value)}")
    if upper is not None:
        ends.append(f"{column} {'<=' if upper.inclusive else '<'} {renderer.text(upper.value)}")
    return {"Range": " AND ".join(ends)}
