"""A Pegasus server in memory: meta and data on one loopback port, one thread for each connection.

Knows what the blocking client's tests need, by the wire's own codecs. A test can make it misbehave:
``faults`` is asked about every request before it is carried out.
"""

import socket
import threading
from collections.abc import Callable
from enum import Enum, auto
from typing import Self

from pegasus_tab.base.ids import Gpid
from pegasus_tab.base.limits import CLIENT_FRAME_BYTES_MAX
from pegasus_tab.wire import codes
from pegasus_tab.wire.address import Address
from pegasus_tab.wire.codes import Status
from pegasus_tab.wire.fast import (
    decode_get,
    decode_multi_get,
    decode_multi_put,
    decode_put,
    get_response,
    multi_get_response,
    put_response,
    scan_response,
)
from pegasus_tab.wire.frame import RequestFrame, RequestReader, encode_response
from pegasus_tab.wire.keys import decode_key, encode_key
from pegasus_tab.wire.messages import (
    BatchGetRequest,
    BatchGetResponse,
    FullData,
    GetScannerRequest,
    IncrRequest,
    IncrResponse,
    PartitionConfiguration,
    QueryConfigRequest,
    QueryConfigResponse,
    ScanRequest,
    decode_arguments,
    decode_i64_argument,
    result,
)
from pegasus_tab.wire.partition_hash import encoded_key_hash
from pegasus_tab.wire.thrift_struct import Struct

APP_ID = 2
PARTITIONS = 4


class Fault(Enum):
    """What goes wrong with a request."""

    SILENCE = auto()
    """Nobody answers."""
    CUT = auto()
    """It is carried out, then the connection closes without an answer."""


class FakeServer:
    """Listens until closed; knows one table, ``t``.

    Attributes:
        rows: encoded key -> value.
        faults: request -> what goes wrong with it: a ``Fault``, an error name, or None.
        scan_rows: rows of one scan page.
        contexts: open scans; a test may clear it to make the server forget them.
        seen: names of the requests, in the order they were looked at.
    """

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.faults: Callable[[RequestFrame], Fault | str | None] = lambda _: None
        self.scan_rows = 3
        self.contexts: dict[int, tuple[GetScannerRequest, bytes]] = {}
        self.seen: list[bytes] = []
        self._lock = threading.Lock()
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = Address("127.0.0.1", self._listener.getsockname()[1])
        self._start(self._accept)

    def close(self) -> None:
        """Close the port and every connection; closing twice is fine."""
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def cut_all(self) -> None:
        """Close every connection, as a dying process would."""
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client closed it before

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- connections -----------------------------------------------------------------------------

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        reader = RequestReader(CLIENT_FRAME_BYTES_MAX)
        with connection:
            while True:
                try:
                    data = connection.recv(1 << 16)
                    if not data:
                        return
                    for frame in reader.feed(data):
                        if not self._handle(connection, frame):
                            return
                except OSError:
                    return

    def _handle(self, connection: socket.socket, frame: RequestFrame) -> bool:
        with self._lock:
            self.seen.append(frame.name)
            fault = self.faults(frame)
            if fault is Fault.SILENCE:
                return True
            if isinstance(fault, str):
                answer = encode_response(frame.name, frame.seqid, b"", fault)
            else:
                answer = self._carry_out(frame)
        if fault is Fault.CUT:
            return False
        connection.sendall(answer)
        return True

    # -- requests --------------------------------------------------------------------------------

    def _carry_out(self, frame: RequestFrame) -> bytes:
        handlers = {
            codes.QUERY_CONFIG: self._query_config,
            codes.GET: self._get,
            codes.PUT: self._put,
            codes.INCR: self._incr,
            codes.MULTI_PUT: self._multi_put,
            codes.MULTI_GET: self._multi_get,
            codes.BATCH_GET: self._batch_get,
            codes.GET_SCANNER: self._get_scanner,
            codes.SCAN: self._scan,
            codes.CLEAR_SCANNER: self._clear_scanner,
        }
        handler = handlers.get(frame.name)
        if handler is None:
            return encode_response(frame.name, frame.seqid, b"", codes.ERR_HANDLER_NOT_FOUND)
        return handler(frame, Gpid(frame.app_id, frame.partition_index))

    def _answer(self, frame: RequestFrame, response: Struct) -> bytes:
        return encode_response(frame.name, frame.seqid, result(response.encode()))

    def _query_config(self, frame: RequestFrame, _: Gpid) -> bytes:
        if decode_arguments(frame, QueryConfigRequest).app_name != "t":
            return self._answer(frame, QueryConfigResponse(err=codes.ERR_OBJECT_NOT_FOUND))
        parts = [
            PartitionConfiguration(Gpid(APP_ID, i), 1, 1, self.address) for i in range(PARTITIONS)
        ]
        return self._answer(
            frame, QueryConfigResponse(codes.ERR_OK, APP_ID, PARTITIONS, True, parts)
        )

    def _get(self, frame: RequestFrame, gpid: Gpid) -> bytes:
        value = self.rows.get(decode_get(frame))
        status = Status.NOT_FOUND if value is None else Status.OK
        return get_response(frame.seqid, status, value or b"", gpid, "fake")

    def _put(self, frame: RequestFrame, gpid: Gpid) -> bytes:
        key, value, _ = decode_put(frame)
        self.rows[key] = value
        return put_response(frame.seqid, Status.OK, gpid, len(self.seen), "fake")

    def _incr(self, frame: RequestFrame, _: Gpid) -> bytes:
        request = decode_arguments(frame, IncrRequest)
        total = int(self.rows.get(request.key, b"0")) + request.increment
        self.rows[request.key] = b"%d" % total
        return self._answer(frame, IncrResponse(new_value=total))

    def _multi_put(self, frame: RequestFrame, gpid: Gpid) -> bytes:
        hash_key, sort_keys, values, _ = decode_multi_put(frame)
        for sort_key, value in zip(sort_keys, values, strict=True):
            self.rows[encode_key(hash_key, sort_key)] = value
        return put_response(frame.seqid, Status.OK, gpid, 1, "fake", codes.MULTI_PUT)

    def _multi_get(self, frame: RequestFrame, gpid: Gpid) -> bytes:
        request = decode_multi_get(frame)
        limit = request.max_kv_count or 3
        if request.sort_keys:
            keys = [encode_key(request.hash_key, sort_key) for sort_key in request.sort_keys]
            found = [key for key in keys if key in self.rows]
        else:
            found = [
                key
                for key in sorted(self.rows)
                if decode_key(key)[0] == request.hash_key
                and decode_key(key)[1] >= request.start_sortkey
                and (decode_key(key)[1] != request.start_sortkey or request.start_inclusive)
            ]
        status = Status.INCOMPLETE if len(found) > limit else Status.OK
        found = found[:limit]
        sort_keys = [decode_key(key)[1] for key in found]
        values = [self.rows[key] for key in found]
        return multi_get_response(frame.seqid, status, sort_keys, values, gpid, "fake")

    def _batch_get(self, frame: RequestFrame, _: Gpid) -> bytes:
        keys = decode_arguments(frame, BatchGetRequest).keys
        pairs = [(key.hash_key, key.sort_key) for key in keys]
        found = [
            FullData(*pair, self.rows[encode_key(*pair)])
            for pair in pairs
            if encode_key(*pair) in self.rows
        ]
        return self._answer(frame, BatchGetResponse(data=found))

    def _get_scanner(self, frame: RequestFrame, gpid: Gpid) -> bytes:
        request = decode_arguments(frame, GetScannerRequest)
        return self._page(frame, gpid, request, request.start_key, request.start_inclusive)

    def _scan(self, frame: RequestFrame, gpid: Gpid) -> bytes:
        context = self.contexts.pop(decode_arguments(frame, ScanRequest).context_id, None)
        if context is None:
            return scan_response(frame.seqid, Status.NOT_FOUND, [], [], 0, gpid, "fake")
        return self._page(frame, gpid, *context, False)

    def _page(
        self, frame: RequestFrame, gpid: Gpid, request: GetScannerRequest, start: bytes, first: bool
    ) -> bytes:
        keys = [
            key
            for key in sorted(self.rows)
            if start <= key < request.stop_key
            and (first or key != start)
            and encoded_key_hash(key) % PARTITIONS == gpid.partition_index
        ]
        context_id = -1
        if len(keys) > self.scan_rows:
            keys = keys[: self.scan_rows]
            context_id = len(self.seen)
            self.contexts[context_id] = (request, keys[-1])
        values = [self.rows[key] for key in keys]
        return scan_response(
            frame.seqid, Status.OK, keys, values, context_id, gpid, "fake", frame.name
        )

    def _clear_scanner(self, frame: RequestFrame, _: Gpid) -> bytes:
        del self.contexts[decode_i64_argument(frame)]
        return b""
