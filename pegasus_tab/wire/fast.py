"""The hot paths of GET, PUT, MULTI_GET, MULTI_PUT, SCAN and CHECK_AND_MUTATE, for both sides of a connection.

Equal to the plain codec of ``messages`` by property test: the same bytes out, and the same values
or the same refusal in.
"""

from pegasus_tab.wire.fast_check import (
    check_and_mutate_arguments,
    check_response,
    decode_check_and_mutate,
    decode_check_result,
)
from pegasus_tab.wire.fast_multi_get import decode_multi_get, multi_get_arguments
from pegasus_tab.wire.fast_point import (
    decode_get,
    decode_get_result,
    decode_put,
    decode_put_result,
    get_request,
    get_response,
    put_arguments,
    put_replies,
    put_request,
    put_response,
)
from pegasus_tab.wire.fast_rows import (
    Rows,
    decode_multi_get_result,
    decode_multi_put,
    decode_scan_result,
    multi_get_response,
    multi_put_arguments,
    scan_response,
)

__all__ = [
    "Rows",
    "check_and_mutate_arguments",
    "check_response",
    "decode_check_and_mutate",
    "decode_check_result",
    "decode_get",
    "decode_get_result",
    "decode_multi_get",
    "decode_multi_get_result",
    "decode_multi_put",
    "decode_put",
    "decode_put_result",
    "decode_scan_result",
    "get_request",
    "get_response",
    "multi_get_arguments",
    "multi_get_response",
    "multi_put_arguments",
    "put_arguments",
    "put_replies",
    "put_request",
    "put_response",
    "scan_response",
]
