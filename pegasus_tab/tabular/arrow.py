"""Rows and record batches: the one door to the columnar half of the layer.

This module and the other ``arrow_*`` modules are the only ones that import numpy and pyarrow; the
bare driver has neither, so callers import them where they need them.
"""

from pegasus_tab.tabular.arrow_decode import decode_batch
from pegasus_tab.tabular.arrow_encode import encode_batch
from pegasus_tab.tabular.arrow_filter import filter_mask
from pegasus_tab.tabular.arrow_types import arrow_schema, arrow_type

__all__ = ["arrow_schema", "arrow_type", "decode_batch", "encode_batch", "filter_mask"]
