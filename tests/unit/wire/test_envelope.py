"""Arguments and results that are not what the RPC takes."""

from typing import NamedTuple

import pytest

from pegasus_tab.base.errors import DataError
from pegasus_tab.wire.errors import RemoteProtocolError
from pegasus_tab.wire.messages import (
    CountResponse,
    IncrRequest,
    ScanRequest,
    UpdateAppEnvRequest,
    arguments,
    decode_arguments,
    decode_blob_argument,
    decode_i64_argument,
    decode_result,
    encode_blob_argument,
    encode_i64_argument,
    result,
)


class Cut(NamedTuple):
    """A struct's place in a buffer."""

    body: bytes
    offset: int
    end: int


def _around(struct: bytes) -> Cut:
    """Put other bytes before and behind the struct, as a receive buffer has them."""
    return Cut(b"before" + struct + b"behind", 6, 6 + len(struct))


def test_round_trips() -> None:
    assert decode_blob_argument(_around(encode_blob_argument(b"key"))) == b"key"
    assert decode_i64_argument(_around(encode_i64_argument(-5))) == -5
    assert (
        decode_arguments(_around(arguments(ScanRequest(5).encode())), ScanRequest).context_id == 5
    )
    assert decode_result(_around(result(CountResponse(0, 9).encode())), CountResponse).count == 9


@pytest.mark.parametrize(
    ("struct", "complaint"),
    [
        (b"", "begin , expected 0c0001"),
        (b"\0", "begin 00, expected 0c0001"),
        (encode_i64_argument(1), "begin 0a0001"),
        (result(b"\0\0\0\0"), "begin 0c0000"),
        (encode_blob_argument(b"key")[:-1], "runs past the end"),
        (encode_blob_argument(b"key")[:-2], "runs past the end"),
        (encode_blob_argument(b"key") + b"\0", "1 bytes too many"),
    ],
)
def test_not_a_blob_argument(struct: bytes, complaint: str) -> None:
    with pytest.raises(RemoteProtocolError, match=complaint):
        decode_blob_argument(_around(struct))


def test_a_second_argument_is_stepped_over() -> None:
    data = encode_blob_argument(b"key")[:-1] + b"\x08\0\2\0\0\0\7" + b"\0"

    assert decode_blob_argument(_around(data)) == b"key"


def test_a_field_that_comes_twice_is_refused() -> None:
    once = CountResponse(0, 5).encode()[:-1]

    with pytest.raises(RemoteProtocolError, match=r"CountResponse\.error comes twice"):
        CountResponse.decode(once + once + b"\0")


def test_known_field_of_another_type_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="field 1 of ScanRequest has type 8"):
        ScanRequest.decode(b"\x08\0\1\0\0\0\7\0")


def test_a_number_that_does_not_fit_names_its_field() -> None:
    with pytest.raises(DataError, match=r"IncrRequest\.increment cannot be sent"):
        IncrRequest(b"key", 2**63).encode()


def test_a_text_that_is_no_unicode_names_its_field() -> None:
    with pytest.raises(DataError, match=r"UpdateAppEnvRequest\.app_name cannot be sent"):
        UpdateAppEnvRequest("\ud800").encode()
