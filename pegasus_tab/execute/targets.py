"""Which rows an UPDATE or DELETE is about: keys named outright, or found by reading."""

from collections.abc import Iterator
from dataclasses import replace

from pegasus_tab.execute.bindings import Bindings
from pegasus_tab.execute.context import Context, codec_of
from pegasus_tab.execute.lookup import Key
from pegasus_tab.execute.row_source import LookupSource, compile_source
from pegasus_tab.execute.wanted import nodes
from pegasus_tab.sql.expression import ColumnRef, MapItem
from pegasus_tab.sql.plan_nodes import Source


class TargetRows:
    """The keys of a source's rows.

    A key that was found by reading says only that the row matched a moment ago; who writes tests
    the row again.
    """

    def __init__(self, source: Source) -> None:
        schema = source.table.schema
        wanted = {*schema.hash_key, *(part.column for part in schema.sort_key)}
        for node in nodes(source.residual):
            if isinstance(node, ColumnRef | MapItem):
                wanted.add(node.column)
        columns = tuple(column.id for column in schema.columns if column.id in wanted)
        self._codec = codec_of(source.table)
        self._source = compile_source(replace(source, columns=columns), ())
        places = self._source.shape.columns
        self._hash_places = [places[id_] for id_ in schema.hash_key] if places else []
        self._sort_places = [places[part.column] for part in schema.sort_key] if places else []

    def keys(self, context: Context, bindings: Bindings) -> Iterator[Key]:
        """Yield the rows' keys, each once."""
        if isinstance(self._source, LookupSource):
            yield from self._source.keys(bindings)
            return
        codec = self._codec
        for page in self._source.pages(context, bindings, None):
            for row in page:
                yield (
                    codec.hash_key([row[place] for place in self._hash_places]),
                    codec.sort_key([row[place] for place in self._sort_places]),
                )
