"""A client that speaks bare wire messages, one request at a time, for tests of the server alone."""

import socket
from typing import Self, TypeVar

from pegasus_tab.base.ids import Gpid
from pegasus_tab.wire import codes, fast
from pegasus_tab.wire.frame import ResponseFrame, ResponseReader, encode_request
from pegasus_tab.wire.keys import encode_key
from pegasus_tab.wire.messages import (
    CreateAppOptions,
    CreateAppRequest,
    CreateAppResponse,
    DropAppOptions,
    DropAppRequest,
    DropAppResponse,
    QueryConfigRequest,
    QueryConfigResponse,
    ReadResponse,
    UpdateResponse,
    arguments,
    decode_result,
    encode_blob_argument,
)
from pegasus_tab.wire.partition_hash import partition_index
from pegasus_tab.wire.thrift_struct import Struct

S = TypeVar("S", bound=Struct)
META = Gpid(0, 0)
TIMEOUT_SECONDS = 20.0


class FrameworkError(Exception):
    """The reply carried a framework error; its name is the text."""


class WireClient:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._reader = ResponseReader()
        self._seqid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def receive(self) -> ResponseFrame:
        """Wait for one reply."""
        while True:
            data = self.socket.recv(1 << 20)
            if not data:
                raise ConnectionResetError("the server closed the connection")
            if frames := self._reader.feed(data):
                (frame,) = frames
                return frame

    def send(self, name: bytes, gpid: Gpid, args: bytes) -> None:
        """Send a request and do not wait."""
        self._seqid += 1
        self.socket.sendall(encode_request(name, self._seqid, gpid, 0, 0, args))

    def call(self, name: bytes, gpid: Gpid, args: bytes, response: type[S]) -> S:
        """Send a request and wait for its reply."""
        self.send(name, gpid, args)
        frame = self.receive()
        assert (frame.seqid, frame.name) == (self._seqid, name + b"_ACK")
        if frame.error != codes.ERR_OK:
            raise FrameworkError(frame.error)
        return decode_result(frame, response)

    def create(self, name: str, partitions: int = 4) -> "WireTable":
        """Make a table."""
        options = CreateAppOptions(partitions, 1, success_if_exist=False)
        args = arguments(CreateAppRequest(name, options).encode())
        response = self.call(codes.CREATE_APP, META, args, CreateAppResponse)
        assert response.err == codes.ERR_OK, response
        return WireTable(self, response.appid, partitions)

    def drop(self, name: str, reserve_seconds: int | None = None) -> None:
        """Drop a table."""
        options = DropAppOptions(reserve_seconds=reserve_seconds)
        args = arguments(DropAppRequest(name, options).encode())
        assert self.call(codes.DROP_APP, META, args, DropAppResponse).err == codes.ERR_OK

    def config(self, name: str) -> QueryConfigResponse:
        """Ask where a table is."""
        args = arguments(QueryConfigRequest(name).encode())
        return self.call(codes.QUERY_CONFIG, META, args, QueryConfigResponse)

    def table(self, name: str) -> "WireTable":
        """Find a table."""
        config = self.config(name)
        assert config.err == codes.ERR_OK, config
        return WireTable(self, config.app_id, config.partition_count)


class WireTable:
    """A table's rows, by hash key, with empty sort keys."""

    def __init__(self, client: WireClient, app_id: int, partitions: int) -> None:
        self.client = client
        self.app_id = app_id
        self.partitions = partitions

    def gpid(self, hash_key: bytes) -> Gpid:
        """Find a hash key's partition."""
        return Gpid(self.app_id, partition_index(hash_key, b"", self.partitions))

    def put(self, hash_key: bytes, value: bytes, expire: int = 0) -> UpdateResponse:
        """Write a row."""
        args = fast.put_arguments(encode_key(hash_key, b""), value, expire)
        return self.client.call(codes.PUT, self.gpid(hash_key), args, UpdateResponse)

    def get(self, hash_key: bytes) -> bytes | None:
        """Read a row."""
        args = encode_blob_argument(encode_key(hash_key, b""))
        response = self.client.call(codes.GET, self.gpid(hash_key), args, ReadResponse)
        return None if response.error else response.value
