"""What a network can do to one POST, on real sockets: every ending has its record, nothing is sent twice."""

import datetime as dt
import gzip
import ipaddress
import logging
import re
import socket
import ssl
import struct
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_socket import enable_socket, socket_allow_hosts

from zalosync.errors import StoppedEarly, UsageError
from zalosync.infobip.client import Sender
from zalosync.infobip.deadline import LookUp
from zalosync.infobip.exchange import Answer
from zalosync.infobip.settings import Settings, authorization_header
from zalosync.infobip.transport import Http, Unreached, _Trace
from zalosync.provider import AnswerRow, Exchange, Failure, Malformed, ProviderError, ProviderStatus
from zalosync.spec.secret import Secret

KEY = "App canary-7f3a9c"
BODY = orjson.dumps({"messages": [{"destinations": [{"to": "84901234567", "messageId": "zs1-A"}]}]})
STATUS = {"groupId": 1, "groupName": "PENDING", "id": 26, "name": "PENDING_ACCEPTED"}
ROW = {"messageId": "zs1-A", "destination": "84901234567", "status": STATUS}
ACCEPTED = orjson.dumps({"messages": [ROW]})
ROWS = (AnswerRow("zs1-A", "84901234567", ProviderStatus(1, "PENDING", 26, "PENDING_ACCEPTED")),)
ENDS = (
    1.0  # seconds until a time-out that is to come; the connection must be made before, on a busy machine too
)
NEVER_LEFT = Exchange(failure=Failure.CONNECT, may_have_left=False)

Handler = Callable[[socket.socket], None]


@pytest.fixture(autouse=True)
def _sockets_to_loopback(_loopback_only: None) -> None:
    """Sockets are the subject here; they still reach nothing but this machine."""
    enable_socket()
    socket_allow_hosts(["127.0.0.1", "127.0.0.9", "::1"])


class RawServer:
    """Listens on loopback and gives each connection to a handler; counts what reached it.

    Attributes:
        received: whole requests, as bytes.
        connections: how many were accepted.
        over: set when the test is, for handlers that wait.
    """

    def __init__(self, handle: Handler, context: ssl.SSLContext | None = None) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self._handle = handle
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._last: tuple[str, int] | None = None
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            if peer == self._last:
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with suppress(OSError), connection:
            if self._context is not None:
                with self._context.wrap_socket(connection, server_side=True) as secured:
                    self._handle(secured)
            else:
                self._handle(connection)

    def read(self, connection: socket.socket) -> bytes:
        """One whole request."""
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += _some(connection)
        head, _, body = raw.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
        length = int(found[1]) if found else 0
        while len(body) < length:
            body += _some(connection)
        self.received.append(head + b"\r\n\r\n" + body)
        return self.received[-1]

    def close(self) -> None:
        """Stop after all who came before, and wait for every thread."""
        self.over.set()
        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            self._last = last.getsockname()
            last.connect(("127.0.0.1", self.port))
            self._threads[0].join()
        self._listener.close()
        for thread in self._threads:
            thread.join()


def _some(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise ConnectionError
    return part


@contextmanager
def serving(handle: Handler, context: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A server for the time of a test."""
    server = RawServer(handle, context)
    try:
        yield server
    finally:
        server.close()


def sender(
    url: str,
    *,
    total: float = 10.0,
    ca_file: Path | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Sender:
    """A client of that URL."""
    settings = Settings(
        base_url=url,
        authorization=authorization_header(Secret(KEY)),
        total_timeout=total,
        ca_file=None if ca_file is None else str(ca_file),
    )
    return Sender(settings, digest=lambda raw: raw[:4], pseudonym=str.encode, monotonic=monotonic)


def answer(status: str, body: bytes, *headers: str, content_type: str = "application/json") -> bytes:
    """An HTTP answer as bytes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def submitted(*parts: bytes, total: float = 10.0) -> tuple[Exchange, RawServer]:
    """The exchange with a server that reads the request, sends these parts and closes."""

    def handle(connection: socket.socket) -> None:
        server.read(connection)
        for part in parts:
            connection.sendall(part)

    with serving(handle) as server, sender(f"http://127.0.0.1:{server.port}", total=total) as client:
        exchange = client.submit(BODY)
    return exchange, server


def test_an_accepted_batch_is_its_rows() -> None:
    """One request, as it should be; the record has the server's clock and the digest of the body."""
    exchange, server = submitted(answer("200 OK", ACCEPTED, "Date: Tue, 01 Dec 2026 02:00:00 GMT"))
    assert exchange == Exchange(
        http_status=200, rows=ROWS, digest=ACCEPTED[:4], date=dt.datetime(2026, 12, 1, 2, tzinfo=dt.UTC)
    )
    (request,) = server.received
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /zalo/2/messages HTTP/1.1"
    assert set(lines[1:]) == {
        f"Host: 127.0.0.1:{server.port}",
        f"Authorization: {KEY}",
        "Content-Type: application/json",
        f"Content-Length: {len(BODY)}",
        "Accept: application/json",
        "Accept-Encoding: identity",
        "Connection: close",
        "User-Agent: zalosync",
    }
    assert body == BODY


def test_each_send_has_a_connection_of_its_own() -> None:
    """Also where the server would keep it: a dead idle connection must not cost a batch its certainty."""

    def handle(connection: socket.socket) -> None:
        while True:
            server.read(connection)
            connection.sendall(answer("200 OK", ACCEPTED, "Connection: keep-alive"))

    with serving(handle) as server, sender(f"http://127.0.0.1:{server.port}") as client:
        exchanges = [client.submit(BODY) for _ in range(3)]
    assert [exchange.rows for exchange in exchanges] == [ROWS] * 3
    assert (server.connections, len(server.received)) == (3, 3)


def test_a_refused_connection_is_proof() -> None:
    """Nothing listens, nothing left."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with sender(f"http://127.0.0.1:{port}") as client:
        assert client.submit(BODY) == NEVER_LEFT


@pytest.mark.parametrize("reading", [False, True])
def test_a_reset_proves_nothing(reading: bool) -> None:  # noqa: FBT001
    """Before or after the server read: this side cannot tell."""

    def handle(connection: socket.socket) -> None:
        if reading:
            server.read(connection)
        else:
            connection.recv(1, socket.MSG_PEEK)  # the request has come, and stays unread
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(handle) as server, sender(f"http://127.0.0.1:{server.port}") as client:
        exchange = client.submit(BODY)
    assert exchange.failure in {Failure.READ, Failure.WRITE}
    assert exchange.may_have_left
    assert exchange.http_status is None
    assert (server.connections, len(server.received)) == (1, int(reading))


WHOLE = answer("200 OK", ACCEPTED)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.1 200 OK\r\n",),
        (WHOLE[:-1],),
        (WHOLE[: WHOLE.index(b"\r\n\r\n") + 4],),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",),
        (b"SSH-2.0-OpenSSH_9.2\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n",),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n",),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 500\r\n\r\n{}",),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,),
        (b"\x16\x03\x01\x00\x05hello",),
    ],
    ids=[
        "closed-without-answer",
        "cut-in-headers",
        "cut-in-body",
        "cut-before-body",
        "cut-in-chunk",
        "bad-chunk",
        "not-http",
        "only-1xx",
        "upgraded-unasked",
        "refusal-cut-short",
        "endless-headers",
        "tls-to-a-plain-client",
    ],
)
def test_no_whole_answer_proves_nothing(parts: Sequence[bytes]) -> None:
    """Whatever came before the cut, no status and no row comes out."""
    exchange, server = submitted(*parts)
    assert exchange == Exchange(failure=Failure.READ)
    assert server.connections == 1


E400 = b'{"errorCode":"E400","description":"Request cannot be processed.","violations":[]}'
REFUSED = ProviderError("E400", "Request cannot be processed.")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (answer("400 Bad Request", E400), Exchange(http_status=400, error=REFUSED, digest=b'{"er')),
        (
            answer("403 Forbidden", E400, content_type="text/html"),
            Exchange(http_status=403, error=REFUSED, digest=b'{"er'),
        ),
        (
            answer("403 Forbidden", b"<html>blocked</html>", content_type="text/html"),
            Exchange(http_status=403, digest=b"<htm"),
        ),
        (
            answer("429 Too Many Requests", E400, "Retry-After: 7"),
            Exchange(http_status=429, error=REFUSED, retry_after=7.0, digest=b'{"er'),
        ),
        (answer("500 Internal Server Error", b""), Exchange(http_status=500)),
        (answer("301 Moved Permanently", b"", "Location: http://127.0.0.1:1/"), Exchange(http_status=301)),
        (answer("307 Temporary Redirect", b"", "Location: /elsewhere"), Exchange(http_status=307)),
        (answer("401 Unauthorized", b"", "WWW-Authenticate: Basic"), Exchange(http_status=401)),
        (
            answer("200 OK", ACCEPTED, content_type="text/plain"),
            Exchange(http_status=200, malformed=Malformed.CONTENT_TYPE, digest=ACCEPTED[:4]),
        ),
        (
            answer("200 OK", ACCEPTED, content_type=""),
            Exchange(http_status=200, malformed=Malformed.CONTENT_TYPE, digest=ACCEPTED[:4]),
        ),
        (
            answer("200 OK", ACCEPTED, content_type="Application/JSON; charset=utf-8"),
            Exchange(http_status=200, rows=ROWS, digest=ACCEPTED[:4]),
        ),
        (answer("200 OK", b""), Exchange(http_status=200, malformed=Malformed.EMPTY)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Exchange(http_status=204, malformed=Malformed.EMPTY)),
        (
            answer("200 OK", b'{"messages":1,"messages":2}'),
            Exchange(http_status=200, malformed=Malformed.DUPLICATE_KEYS, digest=b'{"me'),
        ),
        (
            answer("200 OK", gzip.compress(ACCEPTED, mtime=0), "Content-Encoding: gzip"),
            Exchange(http_status=200, rows=ROWS, digest=ACCEPTED[:4]),
        ),
        (
            answer("200 OK", gzip.compress(b" " * 10_000_001, mtime=0), "Content-Encoding: gzip"),
            Exchange(http_status=200, malformed=Malformed.TOO_LARGE),
        ),
        (
            answer("200 OK", gzip.compress(ACCEPTED, mtime=0)[:-9], "Content-Encoding: gzip"),
            Exchange(http_status=200, malformed=Malformed.CONTENT_TYPE),
        ),
        (
            answer("200 OK", ACCEPTED, "Content-Encoding: gzip"),
            Exchange(http_status=200, malformed=Malformed.CONTENT_TYPE),
        ),
        (
            answer("200 OK", ACCEPTED, "Content-Encoding: br"),
            Exchange(http_status=200, malformed=Malformed.CONTENT_TYPE),
        ),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
            + answer("202 Accepted", ACCEPTED),
            Exchange(http_status=202, rows=ROWS, digest=ACCEPTED[:4]),
        ),
        (
            b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + ACCEPTED,
            Exchange(http_status=200, rows=ROWS, digest=ACCEPTED[:4]),
        ),
    ],
)
def test_a_whole_answer_is_recorded_as_it_is(raw: bytes, expected: Exchange) -> None:
    """Status, rows or why none, the provider's error in its own words only; no redirect, no second try."""
    exchange, server = submitted(raw)
    assert exchange == expected
    assert (server.connections, len(server.received)) == (1, 1)


def test_an_answer_over_ten_megabytes_is_not_read_to_its_end() -> None:
    """The reading stops at the cap, not at the memory's end."""

    def handle(connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while not server.over.is_set():
            connection.sendall(b" " * 1_000_000)

    with serving(handle) as server, sender(f"http://127.0.0.1:{server.port}") as client:
        exchange = client.submit(BODY)
    assert exchange == Exchange(http_status=200, malformed=Malformed.TOO_LARGE)


@pytest.mark.parametrize("prefix", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_dripping_server_does_not_hold_us(prefix: bytes) -> None:
    """A byte now and then resets every other time-out; the total one ends it, in headers as in the body."""

    def handle(connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(prefix)
        while not server.over.wait(0.01):
            connection.sendall(b"x")

    with serving(handle) as server, sender(f"http://127.0.0.1:{server.port}", total=ENDS) as client:
        assert client.submit(BODY) == Exchange(failure=Failure.READ)


def test_a_silent_server_does_not_hold_us() -> None:
    """No byte of an answer."""

    def handle(connection: socket.socket) -> None:
        server.read(connection)
        server.over.wait()

    with serving(handle) as server, sender(f"http://127.0.0.1:{server.port}", total=ENDS) as client:
        assert client.submit(BODY) == Exchange(failure=Failure.READ)


def test_a_server_that_does_not_read_does_not_hold_us() -> None:
    """The request is larger than the buffers in between: the writing itself runs out of time."""

    def handle(_: socket.socket) -> None:
        server.over.wait()

    with serving(handle) as server, sender(f"http://127.0.0.1:{server.port}", total=ENDS) as client:
        assert client.submit(b" " * 30_000_000) == Exchange(failure=Failure.WRITE)


def test_a_refusal_that_comes_before_the_request_is_read_counts() -> None:
    """A server may answer 413 and close while we still write; its words are its words."""

    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(answer("413 Content Too Large", E400, "Connection: close"))
        connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while connection.recv(1_000_000):
                pass

    with serving(handle) as server, sender(f"http://127.0.0.1:{server.port}") as client:
        exchange = client.submit(b" " * 3_000_000)
    assert (exchange.http_status, exchange.error) == (413, REFUSED)


def test_without_a_trace_nothing_is_proven() -> None:
    """An exception's name is no proof; only a failed connection with no request begun is."""
    trace = _Trace()
    seen = [(trace.failure, trace.may_have_left)]
    for event in (
        "connection.connect_tcp.started",
        "connection.connect_tcp.failed",
        "http11.send_request_headers.started",
        "http11.send_request_body.failed",
    ):
        trace(event, {})
        seen.append((trace.failure, trace.may_have_left))
    assert seen == [
        (Failure.CONNECT, True),
        (Failure.CONNECT, True),
        (Failure.CONNECT, False),
        (Failure.READ, True),
        (Failure.WRITE, True),
    ]


def _http(url: str, look_up: LookUp) -> Http:
    settings = Settings(base_url=url, authorization=authorization_header(Secret(KEY)))
    return Http(settings, time.monotonic, look_up)


def _post(http: Http) -> Answer:
    with closing(http):
        return http.exchange("POST", "/zalo/2/messages", body=BODY, fresh=True)


def test_localhost_must_be_this_machine() -> None:
    """Without TLS nothing is sent to another machine, whatever a name server says."""
    with pytest.raises(Unreached, match="leads to another machine") as caught:
        _post(_http("http://localhost:8025", lambda *_: ["203.0.113.7"]))
    assert not caught.value.may_have_left


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (UnicodeError("label too long"), "the host's name cannot be looked up"),
    ],
)
def test_a_name_that_nobody_knows_is_proof(failure: Exception, why: str) -> None:
    """The look-up failed, so nothing was even connected."""

    def unknown(_host: str, _port: int) -> list[str]:
        raise failure

    with pytest.raises(Unreached, match=why) as caught:
        _post(_http("https://abc123.api.infobip.com", unknown))
    assert (caught.value.failure, caught.value.may_have_left) == (Failure.CONNECT, False)


def test_a_name_without_an_address_is_proof() -> None:
    """An empty look-up is a failed one."""
    with pytest.raises(Unreached, match="no address") as caught:
        _post(_http("https://abc123.api.infobip.com", lambda *_: []))
    assert not caught.value.may_have_left


def test_dead_addresses_are_passed_over() -> None:
    """The first address refuses, the second answers: one request, to the second."""

    def handle(connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(WHOLE)

    with serving(handle) as server:
        http = _http(f"http://localhost:{server.port}", lambda *_: ["127.0.0.9", "127.0.0.1"])
        assert _post(http).body == ACCEPTED
    assert server.connections == 1


def test_an_address_of_the_sixth_protocol_is_an_address() -> None:
    """Brackets in the URL, none at the socket."""
    with sender("http://[::1]:1") as client:
        assert client.submit(BODY) == NEVER_LEFT


def _clock(*readings: float) -> Callable[[], float]:
    """A clock that reads these times, then the last for ever."""
    times = list(readings)
    return lambda: times.pop(0) if len(times) > 1 else times[0]


def test_no_connection_is_opened_after_the_end() -> None:
    """The process slept in between: the exchange ends before it began, provably."""
    with serving(lambda _: None) as server:
        with sender(f"http://127.0.0.1:{server.port}", total=30, monotonic=_clock(0, 31)) as client:
            assert client.submit(BODY) == NEVER_LEFT
        assert server.connections == 0


def test_no_byte_leaves_after_the_end() -> None:
    """The process slept between connecting and writing: the server sees a connection and not one byte."""
    seen: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        seen.append(connection.recv(1))

    # Start, before the look-up, before connecting; then the first write, too late.
    clock = _clock(0, 1, 2, 31)
    with (
        serving(handle) as server,
        sender(f"http://127.0.0.1:{server.port}", total=30, monotonic=clock) as client,
    ):
        exchange = client.submit(BODY)
    assert exchange == Exchange(failure=Failure.WRITE)
    assert seen == [b""]


def test_threads_do_not_mix_their_answers() -> None:
    """Eight at a time, each gets the rows of its own request."""

    def handle(connection: socket.socket) -> None:
        request = server.read(connection)
        asked = orjson.loads(request.partition(b"\r\n\r\n")[2])["n"]
        row = {"messageId": asked, "status": STATUS}
        connection.sendall(answer("200 OK", orjson.dumps({"messages": [row]})))

    with (
        serving(handle) as server,
        sender(f"http://127.0.0.1:{server.port}") as client,
        ThreadPoolExecutor(8) as pool,
    ):
        numbers = [str(n) for n in range(200)]
        exchanges = list(pool.map(lambda n: client.submit(orjson.dumps({"n": n})), numbers))
    assert [exchange.rows[0].message_id for exchange in exchanges if exchange.rows] == numbers


# --- TLS -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Issued:
    """A certificate with its key, in one PEM file, and the file of the authority that signed it."""

    chain: Path
    authority: Path

    def context(self) -> ssl.SSLContext:
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain)
        return context


def _issue(folder: Path, name: x509.GeneralName, *, days: int = 1, signed: bool = True) -> Issued:
    now = dt.datetime.now(dt.UTC)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
    own_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test server")])

    def certificate(
        subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, end: int
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=30))
            .not_valid_after(now + dt.timedelta(days=end))
        )

    authority = (
        certificate(authority_name, authority_name, authority_key.public_key(), 1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, SHA256())
    )
    leaf = (
        certificate(own_name, authority_name if signed else own_name, key.public_key(), days)
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .sign(authority_key if signed else key, SHA256())
    )
    chain, trusted = folder / "chain.pem", folder / "authority.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(private + leaf.public_bytes(Encoding.PEM))
    trusted.write_bytes(authority.public_bytes(Encoding.PEM))
    return Issued(chain, trusted)


HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@contextmanager
def secured(issued: Issued, context: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """A server that accepts every batch over TLS."""

    def handle(connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(WHOLE)

    with serving(handle, context or issued.context()) as server:
        yield server


def test_a_trusted_certificate_lets_the_request_through(tmp_path: Path) -> None:
    """The authority is the one of the settings; the answer is read as over plain HTTP."""
    issued = _issue(tmp_path, HERE)
    with (
        secured(issued) as server,
        sender(f"https://127.0.0.1:{server.port}", ca_file=issued.authority) as client,
    ):
        assert client.submit(BODY) == Exchange(http_status=200, rows=ROWS, digest=ACCEPTED[:4])
    assert len(server.received) == 1


@pytest.mark.parametrize("wrong", ["self-signed", "expired", "wrong-host", "unknown-authority"])
def test_a_wrong_certificate_is_proof(wrong: str, tmp_path: Path) -> None:
    """The handshake fails before the request: nothing left, and a person reads why."""
    name = x509.DNSName("other.example") if wrong == "wrong-host" else HERE
    issued = _issue(tmp_path, name, days=-1 if wrong == "expired" else 1, signed=wrong != "self-signed")
    ca_file = None if wrong == "unknown-authority" else issued.authority
    with secured(issued) as server, sender(f"https://127.0.0.1:{server.port}", ca_file=ca_file) as client:
        assert client.submit(BODY) == NEVER_LEFT
        with pytest.raises(StoppedEarly, match="its certificate is not trusted"):
            client.logs()
    assert server.received == []


def test_an_old_tls_is_proof(tmp_path: Path) -> None:
    """TLS 1.1 is not spoken, whatever the server wants."""
    issued = _issue(tmp_path, HERE)
    context = issued.context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        secured(issued, context) as server,
        sender(f"https://127.0.0.1:{server.port}", ca_file=issued.authority) as client,
    ):
        assert client.submit(BODY) == NEVER_LEFT
    assert server.received == []


def test_https_to_a_plain_server_is_proof() -> None:
    """What answers is no TLS."""
    with (
        serving(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server,
        sender(f"https://127.0.0.1:{server.port}") as client,
    ):
        assert client.submit(BODY) == NEVER_LEFT


def test_a_handshake_without_an_end_is_ended() -> None:
    """The server takes the greeting and says nothing: the total time-out holds there too, as proof."""

    def handle(_: socket.socket) -> None:
        server.over.wait()

    with serving(handle) as server, sender(f"https://127.0.0.1:{server.port}", total=0.1) as client:
        assert client.submit(BODY) == NEVER_LEFT


def test_the_environment_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted proxies, certificates, key logs and `.netrc` are not looked at."""
    issued = _issue(tmp_path, HERE)
    keys, netrc = tmp_path / "keys.log", tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login planted password planted\n", encoding="utf-8")
    netrc.chmod(0o600)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(issued.authority))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(netrc.read_text(encoding="utf-8"), encoding="utf-8")

    exchange, server = submitted(WHOLE)
    assert exchange.rows == ROWS
    assert b"planted" not in server.received[0]
    assert f"Authorization: {KEY}\r\n".encode() in server.received[0]
    with secured(issued) as other, sender(f"https://127.0.0.1:{other.port}") as client:
        assert client.submit(BODY) == NEVER_LEFT
    assert not keys.exists()


def test_an_authority_file_that_cannot_be_used_is_said_at_once(tmp_path: Path) -> None:
    """Missing or not PEM: an error of the set-up, not of the first batch."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing", encoding="utf-8")
    for file in (empty, tmp_path / "missing.pem"):
        with pytest.raises(UsageError, match="certificate authorities cannot be used"):
            sender("https://127.0.0.1:1", ca_file=file)


def test_no_secret_and_no_phone_is_in_logs_or_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    """With every logger at its loudest, through a good answer, a failed read and a failed send."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    shown: list[str] = []
    phone = orjson.loads(BODY)["messages"][0]["destinations"][0]["to"]  # traceback quotes this file

    def handle(connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(answer("200 OK", b'{"results":[]}'))

    with serving(handle) as server, sender(f"http://127.0.0.1:{server.port}") as client:
        assert client.logs(to=phone).rows == ()
        client.submit(BODY)
        shown += [repr(client.settings), repr(client), f"{client.settings.authorization}"]
    with sender(f"http://127.0.0.1:{server.port}") as client:
        client.submit(BODY)
        try:
            client.logs(to=phone)
        except StoppedEarly as error:
            shown += traceback.format_exception(error)
    everything = "\n".join([*shown, caplog.text])
    assert "connect_tcp" in caplog.text
    assert "connection refused" in everything
    assert "canary" not in everything
    assert phone not in everything
