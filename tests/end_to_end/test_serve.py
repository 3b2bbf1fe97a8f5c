"""`serve` as a process: what it refuses to start with, what it stores, and how it ends."""

import http.client
import json
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.command import Running, start, zalosync
from tests.support.hook import TOKEN, body, hook, row
from tests.support.sandbox_process import until
from tests.support.shop import Shop, write_shop
from tests.unit.test_infobip_transport import HERE, _issue
from zalosync.compose.message import Identity, Maker, webhook_token
from zalosync.ledger.key import read_key
from zalosync.refresh import serving
from zalosync.refresh.inbox import Inbox

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A project with a key and no messages."""
    made = write_shop(tmp_path / "shop", 10, encrypted=False)
    assert zalosync(made.root, "ledger", "init").code == 0
    return made


def heard(running: Running) -> str:
    """What a command has said on stderr so far."""
    return (running.folder / "err").read_text(encoding="utf-8")


@contextmanager
def serve(shop: Shop, *arguments: str) -> Iterator[tuple[Running, int]]:
    """A receiver on a free port."""
    running = start(shop.root, "serve", "--port", "0", *arguments)
    try:
        until(lambda: "receiving on" in heard(running) or running.poll() is not None)
        assert running.poll() is None, running.wait().err
        yield running, int(heard(running).partition("127.0.0.1:")[2].partition("/")[0])
    finally:
        if running.poll() is None:
            running.kill()


def push(shop: Shop, connection: http.client.HTTPConnection) -> int:
    """Post one believable report; gives the answer's status."""
    keys = read_key(shop.state, {})
    assert keys is not None
    identity = Identity(keys, "order-shipped", 1)
    message_id = identity.message_id(identity.message("DH000001"), 1)
    data = body([row(message_id, callbackData=Maker(keys).proof(message_id))])
    with closing(connection):
        path = f"/zalo/reports/{webhook_token(keys, 'here')}"
        connection.request("POST", path, data, {"content-type": "application/json"})
        return connection.getresponse().status


def stored(shop: Shop) -> int:
    """Reports that wait in the project's inbox."""
    with Inbox(shop.state / "here.inbox.db") as inbox:
        return inbox.size


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_stores_and_ends(shop: Shop, number: signal.Signals) -> None:
    """A push is stored; a signal ends the receiver after what is in flight, and what it stored is there."""
    with serve(shop) as (running, port):
        assert push(shop, http.client.HTTPConnection("127.0.0.1", port, timeout=20)) == 200
        running.send(number)
        done = running.wait()
    assert done.code == 130, done.err
    assert "Traceback" not in done.err
    assert stored(shop) == 1


def test_tls(shop: Shop, tmp_path: Path) -> None:
    """With a certificate the receiver speaks TLS, and nothing else."""
    made = _issue(tmp_path, HERE)
    with serve(shop, "--tls-cert", str(made.chain), "--tls-key", str(made.chain)) as (running, port):
        assert "receiving on https://" in heard(running)
        context = ssl.create_default_context(cafile=made.authority)
        assert push(shop, http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)) == 200
        with pytest.raises((http.client.HTTPException, OSError)):
            push(shop, http.client.HTTPConnection("127.0.0.1", port, timeout=20))
    assert stored(shop) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--host", "0.0.0.0"), "in the clear"),  # noqa: S104 - it must be refused
        (("--tls-cert", "zalosync.yaml"), "go together"),
        (("--tls-key", "zalosync.yaml"), "go together"),
        (("--show-path",), "needs a terminal"),
        (("--most-waiting", "0"), "--most-waiting"),
    ],
)
def test_refused(shop: Shop, arguments: tuple[str, ...], says: str) -> None:
    """What would show the secret path, or half of what TLS needs, is refused before anything listens."""
    done = zalosync(shop.root, "serve", "--port", "0", *arguments)
    assert done.code == 64, done.err
    assert says in done.err
    assert "/zalo/reports/" not in done.out + done.err


def test_a_taken_port(shop: Shop) -> None:
    """A port that somebody else has is one line and exit 64."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        done = zalosync(shop.root, "serve", "--port", port)
    assert done.code == 64, done.err
    assert f"cannot listen on 127.0.0.1:{port}" in done.err


def test_requests_that_do_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that sends half of its headers, or of its body, is hung up on, and others are answered."""
    monkeypatch.setattr(serving, "READ_SECONDS", -0.9)
    addresses: list[str] = []
    with hook(tmp_path / "inbox.db") as found:
        running = serving.server(
            found.receiver.application(), host="127.0.0.1", port=0, listening=addresses.append
        )
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            until(lambda: addresses)
            host, _, port = addresses[0].partition(":")
            whole = f"POST /zalo/reports/{TOKEN} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf"
            for half in ("POST /zalo/repor", whole, ""):
                with socket.create_connection((host, int(port)), timeout=20) as caller:
                    caller.sendall(half.encode())
                    while caller.recv(1000):
                        pass
            with closing(http.client.HTTPConnection(host, int(port), timeout=20)) as other:
                other.request("GET", "/healthz")
                assert other.getresponse().read() == b"ok\n"
        finally:
            running.should_exit = True
            thread.join()


def test_refresh_merges_what_it_stored(shop: Shop) -> None:
    """What the receiver stored is merged by `refresh`; a stray one of our key is told as such."""
    with serve(shop) as (_, port):
        assert push(shop, http.client.HTTPConnection("127.0.0.1", port, timeout=20)) == 200
        done = zalosync(shop.root, "--json", "refresh")
    assert done.code == 7, done.err
    assert "E_UNEXPECTED_EVIDENCE" in done.err + done.out
    assert stored(shop) == 0
    assert json.loads(zalosync(shop.root, "--json", "status").out)["findings"]
