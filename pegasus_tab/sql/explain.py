"""EXPLAIN: a plan as text or JSON, and the one-line summary the shell shows while typing.

Both forms are made from one tree of ``Entry``, so they cannot disagree. A lookup is told by its
access path, the partitions it touches, and where each predicate is worked out: *seek* by the key,
*pushed* on the storage node, *residual* in the client.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pegasus_tab.base.record import record
from pegasus_tab.sql.explain_access import access_name, key_lines, partitions_touched
from pegasus_tab.sql.expression import Expression
from pegasus_tab.sql.plan_nodes import (
    CopyFrom,
    CopyQuery,
    CountRows,
    Delete,
    Explain,
    Insert,
    Plan,
    ResidualQuery,
    Select,
    Source,
    Statement,
    TableScan,
    Update,
    ValuesQuery,
)
from pegasus_tab.sql.render import Renderer


@dataclass(slots=True)
class Entry:
    """One node of an explained plan: a title, facts in order, and the nodes it reads from."""

    title: str
    facts: dict[str, object] = field(default_factory=dict)
    children: "list[Entry]" = field(default_factory=list)


@record
class AccessSummary:
    """What a statement would read, for the shell's toolbar.

    Attributes:
        text: ``point get``, ``range, 1 of 8 partitions`` ...
        full_scan: True when a table is read whole.
    """

    text: str
    full_scan: bool


def explain(statement: Statement, actual: Mapping[str, object] | None = None) -> list[str]:
    """Return a statement's plan as lines of text.

    Args:
        statement: a planned statement; of an EXPLAIN, what it explains is shown.
        actual: for ANALYZE, measured facts (``rows``, ``milliseconds`` ...) to show at the end.
    """
    lines: list[str] = []
    _write(entry_of(statement), 0, lines)
    lines.extend(f"Notice: {notice}" for notice in lint(statement))
    if actual:
        lines.append("Actual: " + ", ".join(f"{name} {value}" for name, value in actual.items()))
    return lines


def explain_json(statement: Statement, actual: Mapping[str, object] | None = None) -> str:
    """Return the plan as a JSON document; keys are the text form's labels in snake_case."""
    document = _document(entry_of(statement))
    document["notices"] = lint(statement)
    if actual:
        document["actual"] = dict(actual)
    return json.dumps(document, indent=2)


def lint(statement: Statement) -> list[str]:
    """Return what the user should hear about the plan: each full scan, with the way out."""
    plan = statement.plan.plan if isinstance(statement.plan, Explain) else statement.plan
    notices: list[str] = []
    for source in sources(plan):
        if not isinstance(source.access, TableScan):
            continue
        schema = source.table.schema
        keys = ", ".join(column.name for column in schema.columns if column.id in schema.hash_key)
        notices.append(
            f'full scan of table "{source.table.name}"; give {keys} a value to read one partition'
        )
    return list(dict.fromkeys(notices))


def sources(plan: Plan) -> tuple[Source, ...]:
    """Return every source a plan reads from."""
    match plan:
        case Select(source=source) | CountRows(source=source):
            return (source,)
        case Update(source=source) | Delete(source=source):
            return (source,)
        case ResidualQuery(views=views):
            return tuple(view.source for view in views)
        case Insert(query=query):
            return () if query is None else sources(query)
        case CopyQuery(query=query):
            return sources(query)
        case Explain(plan=inner):
            return sources(inner)
        case _:
            return ()


def access_summary(plan: Plan) -> AccessSummary | None:
    """Return the one-line cost of a plan, None for one that reads no table."""
    read = sources(plan)
    if not read:
        return None
    full = any(isinstance(source.access, TableScan) for source in read)
    parts = [
        f"{access_name(source.access)} of {source.table.name}, "
        f"{partitions_touched(source)} partitions"
        for source in read
    ]
    return AccessSummary("; ".join(parts), full)


# ---- plans to entries ---------------------------------------------------------------------------


def entry_of(statement: Statement) -> Entry:
    """Return the tree of entries of a statement's plan."""
    plan = statement.plan.plan if isinstance(statement.plan, Explain) else statement.plan
    return _entry(plan, statement)


def _entry(plan: Plan, statement: Statement) -> Entry:
    match plan:
        case Select():
            return _select(plan, statement)
        case CountRows(source=source):
            return Entry("Count", {}, [_source(source, statement)])
        case ResidualQuery(views=views, sql=sql):
            children = [_source(view.source, statement, view.name) for view in views]
            return Entry("DuckDB", {"SQL": sql}, children)
        case ValuesQuery(output=output):
            return Entry("Values", {"Output": ", ".join(one.name for one in output)})
        case Insert():
            return _insert(plan, statement)
        case Update():
            return _update(plan, statement)
        case Delete(source=source, cells=cells):
            renderer = _renderer(source, statement)
            items = [_target(renderer, one.column, one.map_key) for one in cells]
            facts: dict[str, object] = {"Items": ", ".join(items)} if items else {}
            return Entry(f"Delete {source.table.name}", facts, [_source(source, statement)])
        case CopyFrom(table=table, source=files, on_conflict=on_conflict):
            return Entry(f"Copy into {table.name}", {"Files": files, "On conflict": on_conflict})
        case CopyQuery(query=query, target=target):
            return Entry(f"Copy to {target}", {}, [_entry(query, statement)])
        case _:
            return Entry(type(plan).__name__)


def _update(plan: Update, statement: Statement) -> Entry:
    renderer = _renderer(plan.source, statement)
    shown = [
        f"{_target(renderer, one.column, one.map_key)} = "
        f"{'NULL' if one.value is None else renderer.text(one.value)}"
        for one in plan.assignments
    ]
    facts: dict[str, object] = {"Set": ", ".join(shown)}
    if plan.ttl is not None:
        facts["TTL"] = renderer.text(plan.ttl)
    return Entry(f"Update {plan.source.table.name}", facts, [_source(plan.source, statement)])


def _target(renderer: Renderer, column: int, key: Expression | None) -> str:
    name = renderer.column(column)
    return name if key is None else f"{name}[{renderer.text(key)}]"


def _select(plan: Select, statement: Statement) -> Entry:
    renderer = _renderer(plan.source, statement)
    facts: dict[str, object] = {}
    if plan.distinct:
        facts["Distinct"] = "yes"
    if plan.order:
        terms = []
        for term in plan.order:
            text = renderer.text(term.expression) + (" DESC" if term.descending else "")
            if term.nulls_first is not term.descending:
                text += " NULLS FIRST" if term.nulls_first else " NULLS LAST"
            terms.append(text)
        facts["Sort"] = ", ".join(terms)
    for label, count in (("Limit", plan.limit), ("Offset", plan.offset)):
        if count is not None:
            facts[label] = renderer.text(count)
    if plan.limit is not None:
        facts["Limit"] = (
            f"{facts['Limit']} ({'pushed' if plan.source.limit_pushed else 'not pushed'})"
        )
    source = _source(plan.source, statement)
    return Entry("Select", facts, [source]) if facts else source


def _insert(plan: Insert, statement: Statement) -> Entry:
    title = {"insert": "Insert", "upsert": "Upsert", "ignore": "Insert or ignore"}[plan.mode]
    facts: dict[str, object] = {}
    if plan.query is None:
        facts["Rows"] = len(plan.rows)
    if plan.mode == "upsert":
        facts["Write"] = "read, merge, write if unchanged" if plan.merge else "blind"
    elif plan.mode == "insert":
        facts["Write"] = "if the key is free, else error"
    else:
        facts["Write"] = "if the key is free"
    if plan.ttl is not None:
        facts["TTL"] = Renderer(None, statement.parameters, statement.computed).text(plan.ttl)
    children = [] if plan.query is None else [_entry(plan.query, statement)]
    return Entry(f"{title} into {plan.table.name}", facts, children)


def _renderer(source: Source, statement: Statement) -> Renderer:
    return Renderer(source.table, statement.parameters, statement.computed)


def _source(source: Source, statement: Statement, view: str | None = None) -> Entry:
    renderer = _renderer(source, statement)
    facts: dict[str, object] = {"Partitions": partitions_touched(source)}
    facts.update(key_lines(source, renderer))
    if source.columns:
        facts["Columns"] = ", ".join(renderer.column(id_) for id_ in source.columns)
    for label, parts in _predicates(source):
        facts[label] = renderer.conjunction(parts)
    name = access_name(source.access)
    title = f"{name[:1].upper()}{name[1:]} of {source.table.name}"
    return Entry(title + (f" as {view}" if view not in (None, source.table.name) else ""), facts)


def _predicates(source: Source) -> Sequence[tuple[str, tuple[Expression, ...]]]:
    named = (("Seek", source.seek), ("Pushed", source.pushed), ("Residual", source.residual))
    return [(label, parts) for label, parts in named if parts]


# ---- entries to text and JSON -------------------------------------------------------------------


def _write(entry: Entry, depth: int, lines: list[str]) -> None:
    indent = "  " * depth
    lines.append(f"{indent}{'-> ' if depth else ''}{entry.title}")
    inner = indent + ("     " if depth else "  ")
    lines.extend(f"{inner}{label}: {value}" for label, value in entry.facts.items())
    for child in entry.children:
        _write(child, depth + 1, lines)


def _document(entry: Entry) -> dict[str, object]:
    document: dict[str, object] = {"node": entry.title}
    document.update({name.lower().replace(" ", "_"): value for name, value in entry.facts.items()})
    if entry.children:
        document["inputs"] = [_document(child) for child in entry.children]
    return document
