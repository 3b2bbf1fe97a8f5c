"""A proxy on the way to the provider: it makes a tunnel or not, and what left this process stays provable."""

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pytest_socket import enable_socket, socket_allow_hosts

from tests.unit.test_infobip_transport import (
    BODY,
    HERE,
    KEY,
    NEVER_LEFT,
    ROWS,
    WHOLE,
    Issued,
    RawServer,
    _issue,
    secured,
    serving,
)
from zalosync.errors import UsageError
from zalosync.infobip.client import Sender
from zalosync.infobip.proxy import Proxy
from zalosync.infobip.settings import Settings, authorization_header
from zalosync.infobip.transport import _Trace
from zalosync.provider import Exchange, Failure
from zalosync.spec.secret import Secret


@pytest.fixture(autouse=True)
def _sockets_to_loopback(_loopback_only: None) -> None:
    """Sockets are the subject here; they still reach nothing but this machine."""
    enable_socket()
    socket_allow_hosts(["127.0.0.1"])


@contextmanager
def proxied(server: RawServer, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Iterator[RawServer]:
    """A proxy that answers CONNECT so, and if well then passes bytes between both sides."""

    def handle(connection: socket.socket) -> None:
        proxy.read(connection)
        connection.sendall(answer)
        if not answer.startswith(b"HTTP/1.1 2"):
            return
        with socket.create_connection(("127.0.0.1", server.port)) as further:
            threads = [
                threading.Thread(target=_pass, args=pair)
                for pair in ((connection, further), (further, connection))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    with serving(handle) as proxy:
        yield proxy


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def through(proxy: str, issued: Issued, port: int) -> Exchange:
    """What came of a POST by a proxy."""
    settings = Settings(
        base_url=f"https://127.0.0.1:{port}",
        authorization=authorization_header(Secret(KEY)),
        ca_file=str(issued.authority),
        proxy=Proxy.read(proxy),
    )
    with Sender(
        settings, digest=lambda raw: raw[:4], pseudonym=str.encode, monotonic=time.monotonic
    ) as client:
        return client.submit(BODY)


def test_a_named_proxy_makes_a_tunnel(tmp_path: Path) -> None:
    """It learns host and password, and nothing of the request, which goes in TLS to the provider."""
    issued = _issue(tmp_path, HERE)
    with secured(issued) as server, proxied(server) as proxy:
        exchange = through(f"http://ann:pass%40word@127.0.0.1:{proxy.port}", issued, server.port)
    assert exchange.rows == ROWS
    (asked,) = proxy.received
    assert asked.startswith(b"CONNECT 127.0.0.1:%d HTTP/1.1" % server.port)
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"ann:pass@word") in asked
    assert KEY.encode() not in asked
    assert b"84901234567" in server.received[0]


@pytest.mark.parametrize("refusal", [b"HTTP/1.1 407 Who are you\r\n\r\n", b"HTTP/1.1 503 No\r\n\r\n", b""])
def test_a_proxy_that_makes_no_tunnel_is_proof(tmp_path: Path, refusal: bytes) -> None:
    """Refused, or closed without a word: nothing of the request had left."""
    issued = _issue(tmp_path, HERE)
    with secured(issued) as server, proxied(server, refusal) as proxy:
        exchange = through(f"http://127.0.0.1:{proxy.port}", issued, server.port)
    assert exchange == NEVER_LEFT
    assert server.connections == 0


def test_a_proxy_that_is_not_there_is_proof(tmp_path: Path) -> None:
    """No connection to it, so none to the provider."""
    issued = _issue(tmp_path, HERE)
    assert through("http://127.0.0.1:1", issued, 2) == NEVER_LEFT


def test_a_proxy_that_answers_in_the_providers_place_is_proof(tmp_path: Path) -> None:
    """Its certificate is not the provider's: TLS fails before the request."""
    issued = _issue(_folder(tmp_path / "a"), HERE)
    other = _issue(_folder(tmp_path / "b"), HERE)
    with secured(other) as server, proxied(server) as proxy:
        exchange = through(f"http://127.0.0.1:{proxy.port}", issued, server.port)
    assert exchange == NEVER_LEFT
    assert server.received == []


def test_an_answer_lost_in_a_tunnel_proves_nothing(tmp_path: Path) -> None:
    """The request had gone through the tunnel when it broke."""
    issued = _issue(tmp_path, HERE)

    def handle(connection: socket.socket) -> None:
        server.read(connection)

    with serving(handle, issued.context()) as server, proxied(server) as proxy:
        exchange = through(f"http://127.0.0.1:{proxy.port}", issued, server.port)
    assert len(server.received) == 1
    assert (exchange.failure, exchange.may_have_left) == (Failure.READ, True)


def test_a_second_request_in_a_tunnel_is_ours() -> None:
    """Even if the library names its steps otherwise some day: only the first can be the proxy's."""
    trace = _Trace(tunnel=True)
    for event in ("connection.connect_tcp.started", "http11.send_request_headers.started"):
        trace(event, {})
    assert not trace.may_have_left
    trace("http11.send_request_headers.started", {})
    assert trace.may_have_left


@pytest.mark.parametrize(
    "url",
    [
        "proxy:3128",
        "https://proxy",
        "http://",
        "http://proxy/path",
        "http://proxy:x",
        "socks5://p",
        "http://ö",
    ],
)
def test_what_is_no_proxy(url: str) -> None:
    """It is refused, and not quoted."""
    with pytest.raises(UsageError, match="ZALOSYNC_PROXY") as caught:
        Proxy.read(url.replace("http://proxy/", "http://a:secret@proxy/"))
    assert "secret" not in str(caught.value)


def test_without_tls_no_proxy_is_asked() -> None:
    """What is on this machine is reached directly."""

    def handle(connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(WHOLE)

    with serving(handle) as server:
        settings = Settings(
            base_url=f"http://127.0.0.1:{server.port}",
            authorization=authorization_header(Secret(KEY)),
            proxy=Proxy.read("http://127.0.0.1:1"),
        )
        with Sender(
            settings, digest=lambda raw: raw[:4], pseudonym=str.encode, monotonic=time.monotonic
        ) as client:
            assert client.submit(BODY).rows == ROWS
