"""The calls that read: what is asked, what comes out, and what a person is told when it does not."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
import stamina
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_socket import enable_socket, socket_allow_hosts

from zalosync.errors import ProviderRefused, StoppedEarly, ZalosyncError
from zalosync.infobip.account import Button, Parameter, Quota, Template, TemplateStatus
from zalosync.infobip.client import Reader, Sender
from zalosync.infobip.evidence import Page
from zalosync.infobip.keys import PublicKey
from zalosync.infobip.pinning import pull_contracts
from zalosync.infobip.settings import Settings, authorization_header
from zalosync.spec.secret import Secret

SENDER = "4097700000000000001"
DER = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
KEY = {"publicKey": base64.b64encode(DER).decode()}
LOG = {"messageId": "zs1-A", "to": "84901234567", "status": {"groupId": 3, "groupName": "DELIVERED", "id": 5}}


@pytest.fixture(autouse=True)
def _sockets_to_loopback(_loopback_only: None) -> None:
    """The server below is on this machine."""
    enable_socket()
    socket_allow_hosts(["127.0.0.1", "::1"])


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """Retries happen, their pauses do not."""
    with stamina.set_testing(testing=True, attempts=3, cap=True):
        yield


@dataclass
class Scripted:
    """A server that gives these answers in turn, the last one for ever.

    Attributes:
        answers: (status, JSON or bytes, headers).
        asked: (method, path, query) of each request.
        connections: how many it accepted.
    """

    answers: list[tuple[int, object, dict[str, str]]]
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0
    port: int = 0


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Starts a server with a script; all are stopped after the test."""
    servers: list[ThreadingHTTPServer] = []

    def start(*answers: tuple[int, object] | tuple[int, object, dict[str, str]]) -> Scripted:
        script = Scripted([(one[0], one[1], one[2] if len(one) > 2 else {}) for one in answers])

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def setup(self) -> None:
                script.connections += 1
                super().setup()

            def answer(self) -> None:
                parts = urlsplit(self.path)
                script.asked.append((self.command, parts.path, dict(parse_qsl(parts.query))))
                status, value, headers = (
                    script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
                )
                body = value if isinstance(value, bytes) else orjson.dumps(value)
                self.send_response_only(status)
                for name, text in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, text)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        script.port = server.server_port
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return script

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def client(script: Scripted, *, reports_path: str | None = "/zalo/1/reports") -> Sender:
    """A client of a scripted server."""
    settings = Settings(
        base_url=f"http://127.0.0.1:{script.port}",
        authorization=authorization_header(Secret("canary")),
        reports_path=reports_path,
        total_timeout=5,
    )
    return Sender(settings, digest=lambda raw: raw[:8], pseudonym=str.encode, monotonic=time.monotonic)


E400 = {
    "errorCode": "E400",
    "description": "Request cannot be processed.",
    "violations": [{"property": "limit", "violation": "too large"}],
}
E404 = {"errorCode": "ZALO-RSA404", "description": "Provided sender not found."}
E409 = {"errorCode": "ZALO-RSA409", "description": "RSA key already exists."}


def test_a_reader_cannot_send() -> None:
    """What a dry run is given has no such method."""
    assert not hasattr(Reader, "submit")
    assert not hasattr(Reader, "create_public_key")


def test_logs_are_asked_by_every_filter(scripted: Callable[..., Scripted]) -> None:
    """As the API spells them; ids as one comma list, times with milliseconds and offset."""
    script = scripted((200, {"results": [LOG]}, {"Date": "Tue, 01 Dec 2026 02:00:00 GMT"}))
    moment = datetime(2026, 12, 1, 2, tzinfo=UTC)
    with client(script) as reader:
        page = reader.logs(
            message_ids=["zs1-A", "zs1-B"],
            sender=SENDER,
            to="84901234567",
            general_status="DELIVERED",
            since=moment,
            until=moment.replace(hour=3),
            limit=2,
        )
    assert script.asked == [
        (
            "GET",
            "/zalo/1/logs",
            {
                "messageId": "zs1-A,zs1-B",
                "from": SENDER,
                "to": "84901234567",
                "generalStatus": "DELIVERED",
                "sentSince": "2026-12-01T02:00:00.000+0000",
                "sentUntil": "2026-12-01T03:00:00.000+0000",
                "limit": "2",
            },
        )
    ]
    assert [row.message_id for row in page.rows] == ["zs1-A"]
    assert (page.complete, page.date, page.throttled, page.digest) == (True, moment, None, b'{"result')


@pytest.mark.parametrize(
    ("results", "complete"), [([], True), ([LOG], True), ([LOG, {}], False), ([LOG, LOG], False)]
)
def test_a_page_is_complete_by_all_its_rows(
    scripted: Callable[..., Scripted],
    results: list[object],
    complete: bool,  # noqa: FBT001
) -> None:
    """Rows that nobody can use fill a page as well."""
    with client(scripted((200, {"results": results}))) as reader:
        assert reader.logs(limit=2).complete is complete


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, 6.0),
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "Tue, 01 Dec 2026 02:01:00 GMT", "Date": "Tue, 01 Dec 2026 02:00:15 GMT"}, 45.0),
        ({"Retry-After": "Tue, 01 Dec 2026 01:00:00 GMT", "Date": "Tue, 01 Dec 2026 02:00:00 GMT"}, 0.0),
        ({"Retry-After": "Tue, 01 Dec 2026 02:01:00 GMT"}, 6.0),
        ({"Retry-After": "-5"}, 6.0),
        ({"Retry-After": "1e9"}, 6.0),
        ({"Retry-After": "soon"}, 6.0),
        ({"Retry-After": "9" * 400}, 6.0),
    ],
)
def test_a_throttled_page_says_how_long(
    scripted: Callable[..., Scripted], headers: dict[str, str], wait: float
) -> None:
    """In seconds or by a date, held against the server's own clock; the waiting is the caller's."""
    error = {
        "requestError": {"serviceException": {"messageId": "TOO_MANY_REQUESTS", "text": "Too many requests"}}
    }
    script = scripted((429, error, headers))
    with client(script) as reader:
        for page in (reader.logs(), reader.reports()):
            assert (page.rows, page.complete, page.throttled) == ((), False, wait)
    assert len(script.asked) == 2


def test_reports_are_asked_once_and_each_on_a_connection_of_its_own(
    scripted: Callable[..., Scripted],
) -> None:
    """They are handed out once: a failed call is not repeated, an idle connection not trusted."""
    script = scripted((200, {"results": []}), (500, b""), (200, {"results": [LOG]}))
    with client(script) as reader:
        assert reader.reports(10) == Page((), 0, complete=True, date=None, throttled=None, digest=b'{"result')
        with pytest.raises(StoppedEarly, match="HTTP 500"):
            reader.reports(10)
        assert len(reader.reports(1).rows) == 1
    assert script.asked == [("GET", "/zalo/1/reports", {"limit": limit}) for limit in ("10", "10", "1")]
    assert script.connections == 3


def test_without_a_path_there_are_no_reports(scripted: Callable[..., Scripted]) -> None:
    """Said with the ways out, before anything is asked."""
    script = scripted((200, {"results": []}))
    with (
        client(script, reports_path=None) as reader,
        pytest.raises(ProviderRefused, match="set its reportsPath"),
    ):
        reader.reports()
    assert script.asked == []


def test_a_public_key_is_read(scripted: Callable[..., Scripted]) -> None:
    """Also where the answer does not call itself JSON, which the API leaves open."""
    script = scripted((200, KEY, {"Content-Type": "text/plain"}))
    with client(script) as reader:
        assert reader.public_key(SENDER) == PublicKey(DER, 2048)
    assert script.asked == [("GET", f"/zalo/1/sender/{SENDER}/public-key", {})]


def test_a_key_that_does_not_exist_is_none(scripted: Callable[..., Scripted]) -> None:
    """The provider says so in its own words."""
    with client(scripted((404, E404))) as reader:
        assert reader.public_key(SENDER) is None


def test_a_404_of_somebody_else_is_not_a_missing_key(scripted: Callable[..., Scripted]) -> None:
    """A wrong host knows no sender either."""
    script = scripted((404, b"<html>not here</html>"))
    with (
        client(script) as reader,
        pytest.raises(ProviderRefused, match="not in Infobip's words; check baseUrl"),
    ):
        reader.public_key(SENDER)


def test_a_key_is_created_once(scripted: Callable[..., Scripted]) -> None:
    """And where there is one already, that one is taken."""
    script = scripted((200, KEY), (409, E409), (200, KEY))
    with client(script) as sender:
        assert sender.create_public_key(SENDER) == sender.create_public_key(SENDER) == PublicKey(DER, 2048)
    assert [method for method, _, _ in script.asked] == ["POST", "POST", "GET"]


def test_a_key_that_exists_and_is_not_shown_is_refused(scripted: Callable[..., Scripted]) -> None:
    """The provider contradicts itself: its words are what a person sees."""
    script = scripted((409, E409), (404, E404))
    with client(script) as sender, pytest.raises(ProviderRefused, match="RSA key already exists"):
        sender.create_public_key(SENDER)


def test_the_servers_clock_is_remembered(scripted: Callable[..., Scripted]) -> None:
    """Of the last answer that told it; to hold our own against."""
    script = scripted((200, {}, {"Date": "Tue, 01 Dec 2026 02:00:00 GMT"}), (200, {}))
    with client(script) as reader:
        seen = [reader.server_date]
        for _ in range(2):
            reader.quota(SENDER)
            seen.append(reader.server_date)
    moment = datetime(2026, 12, 1, 2, tzinfo=UTC)
    assert seen == [None, moment, moment]


def test_contracts_are_pulled_one_by_one(scripted: Callable[..., Scripted]) -> None:
    """In the order of their numbers, each from its own sender."""
    script = scripted(
        (200, {"templateName": 1, "status": "ENABLE"}), (200, {"templateName": 2, "status": "REJECT"})
    )
    with client(script) as reader:
        pulled = dict(pull_contracts(reader, {2: "409", 1: SENDER}, datetime(2026, 12, 1, tzinfo=UTC)))
    assert {number: (each.sender, each.status) for number, each in pulled.items()} == {
        1: (SENDER, "ENABLE"),
        2: ("409", "REJECT"),
    }
    assert [path for _, path, _ in script.asked] == [
        f"/zalo/1/sender/{SENDER}/templates/1",
        "/zalo/1/sender/409/templates/2",
    ]


def test_creating_a_key_is_never_repeated(scripted: Callable[..., Scripted]) -> None:
    """A POST is tried once, whatever it is for."""
    script = scripted((500, b""))
    with client(script) as sender, pytest.raises(StoppedEarly):
        sender.create_public_key(SENDER)
    assert len(script.asked) == 1


def test_a_sender_cannot_lead_to_another_path(scripted: Callable[..., Scripted]) -> None:
    """It is quoted, whatever a spec may hold."""
    script = scripted((404, E404))
    with client(script) as reader:
        reader.public_key("../../2/messages?x=#y")
    assert script.asked == [("GET", "/zalo/1/sender/..%2F..%2F2%2Fmessages%3Fx%3D%23y/public-key", {})]


def test_a_template_is_read_with_its_contract(scripted: Callable[..., Scripted]) -> None:
    """Parameters, lengths, buttons; the status in one spelling."""
    value = {
        "templateName": 322307,
        "displayName": "Đơn hàng",
        "status": "ENABLE",
        "templateTag": "TRANSACTION",
        "previewUrl": "https://example.com/p",
        "templateProperties": [
            {
                "name": "customer_name",
                "required": True,
                "type": "STRING",
                "maxLength": 30,
                "minLength": 0,
                "acceptNull": False,
            },
            {"name": "note"},
        ],
        "templateButtons": [{"type": "COPY", "title": "Copy", "content": "x"}],
        "new": 1,
    }
    script = scripted((200, value))
    with client(script) as reader:
        template = reader.template(SENDER, 322307)
    assert template == Template(
        name=322307,
        display_name="Đơn hàng",
        status=TemplateStatus.ENABLED,
        tag="TRANSACTION",
        preview_url="https://example.com/p",
        parameters=(
            Parameter(
                "customer_name", "STRING", required=True, min_length=0, max_length=30, accept_null=False
            ),
            Parameter("note", "", required=False, min_length=None, max_length=None, accept_null=False),
        ),
        buttons=(Button("COPY", "Copy", "x"),),
    )
    assert script.asked == [("GET", f"/zalo/1/sender/{SENDER}/templates/322307", {})]


def test_all_pages_of_templates_are_read(scripted: Callable[..., Scripted]) -> None:
    """Of every status, a hundred at a time; the list has no contracts."""

    def page(number: int, *names: int) -> dict[str, object]:
        return {
            "results": [{"templateName": name, "status": "REJECTED"} for name in names],
            "paging": {"page": number, "size": 100, "totalPages": 2, "totalResults": 3},
        }

    script = scripted((200, page(0, 1, 2)), (200, page(1, 3)))
    with client(script) as reader:
        templates = reader.templates(SENDER)
    assert [one.name for one in templates] == [1, 2, 3]
    assert {one.status for one in templates} == {TemplateStatus.REJECTED}
    assert templates[0].parameters is None
    assert [query for _, _, query in script.asked] == [
        {"page": number, "size": "100", "status": "ALL"} for number in ("0", "1")
    ]


@pytest.mark.parametrize("pages", [0, 10**9])
def test_a_list_of_templates_ends(scripted: Callable[..., Scripted], pages: int) -> None:
    """An empty page is the last, whatever the count says."""
    script = scripted((200, {"results": [], "paging": {"page": 0, "totalPages": pages}}))
    with client(script) as reader:
        assert reader.templates(SENDER) == ()
    assert len(script.asked) == 1


def test_quotas_may_be_missing(scripted: Callable[..., Scripted]) -> None:
    """What the provider does not say is None, never zero."""
    with client(
        scripted((200, {"dailyQuota": 500, "remainingDailyQuota": 0, "monthlyPromotionQuota": None}))
    ) as reader:
        assert reader.quota(SENDER) == Quota(500, 0, None, None, None)


READS: dict[str, Callable[[Sender], object]] = {
    "public key": lambda sender: sender.public_key(SENDER),
    "template": lambda sender: sender.template(SENDER, 1),
    "templates": lambda sender: sender.templates(SENDER),
    "quota": lambda sender: sender.quota(SENDER),
    "logs": lambda sender: sender.logs(),
    "reports": lambda sender: sender.reports(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, E400, ProviderRefused, r"HTTP 400: E400 Request cannot be processed.; limit: too large\)"),
        (401, {"errorCode": "E401", "description": "No."}, ProviderRefused, "check the API key"),
        (403, {"errorCode": "E403", "description": "No."}, ProviderRefused, "zalo:manage"),
        (403, b"<html>", ProviderRefused, "not in Infobip's words"),
        (302, b"", ProviderRefused, "not in Infobip's words"),
        (418, {"errorCode": "E418", "description": "No."}, ProviderRefused, "ask the provider"),
        (499, {"errorCode": "E499", "description": "No."}, ProviderRefused, "ask the provider"),
        (
            503,
            {"errorCode": "E503", "description": "Busy."},
            StoppedEarly,
            r"HTTP 503: Busy.\); run the command",
        ),
        (200, b"", ProviderRefused, r"something else .* \(empty\)"),
        (200, b"<html>", ProviderRefused, "something else"),
        (200, [], ProviderRefused, "something else"),
    ],
)
def test_a_read_that_fails_says_what_to_do(
    scripted: Callable[..., Scripted],
    request: pytest.FixtureRequest,
    read: Callable[[Sender], object],
    status: int,
    body: object,
    kind: type[ZalosyncError],
    words: str,
) -> None:
    """In the provider's words where it has some; never with the key."""
    with client(scripted((status, body))) as sender, pytest.raises(kind, match=words) as caught:
        read(sender)
    assert str(caught.value).startswith("127.0.0.1:")
    assert caught.value.code.startswith(("ZS5", "ZS8"))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("failure", [(500, b""), (502, E404), (429, E400), (429, E400, {"Retry-After": "1"})])
def test_a_read_is_tried_again(scripted: Callable[..., Scripted], failure: tuple[int, object]) -> None:
    """Twice, for what may pass: overload and failures of the provider."""
    script = scripted(failure, failure, (200, KEY))
    with client(script) as reader:
        assert reader.public_key(SENDER) == PublicKey(DER, 2048)
    assert len(script.asked) == 3


@pytest.mark.parametrize("failure", [(500, b""), (429, E400)])
def test_a_read_is_not_tried_for_ever(scripted: Callable[..., Scripted], failure: tuple[int, object]) -> None:
    """Three times, then a person hears of it."""
    script = scripted(failure)
    with client(script) as reader, pytest.raises(StoppedEarly):
        reader.quota(SENDER)
    assert len(script.asked) == 3


def test_a_long_wait_is_the_callers(scripted: Callable[..., Scripted]) -> None:
    """Nobody sits for an hour before an empty terminal."""
    script = scripted((429, E400, {"Retry-After": "3600"}))
    with client(script) as reader, pytest.raises(StoppedEarly, match="too many requests"):
        reader.quota(SENDER)
    assert len(script.asked) == 1


def test_a_refusal_is_not_tried_again(scripted: Callable[..., Scripted]) -> None:
    """An unchanged 4xx fails alike."""
    script = scripted((403, E400))
    with client(script) as reader, pytest.raises(ProviderRefused):
        reader.quota(SENDER)
    assert len(script.asked) == 1


def test_reads_share_a_connection(scripted: Callable[..., Scripted]) -> None:
    """Unlike sends and reports, they may be repeated, so an idle connection may be used."""
    script = scripted((200, {}))
    with client(script) as reader:
        for _ in range(5):
            reader.quota(SENDER)
    assert (len(script.asked), script.connections) == (5, 1)


def test_nobody_there_is_said_with_the_host() -> None:
    """The host, what was wanted, why not, and what to do."""
    with client(Scripted([], port=1)) as reader, pytest.raises(StoppedEarly) as caught:
        reader.quota(SENDER)
    assert str(caught.value) == (
        f"127.0.0.1:1 gave no answer for the quota of sender {SENDER}: connection refused;"
        " check the network and baseUrl, then run the command again"
    )
    assert caught.value.exit_code == 5


def test_cookies_are_not_kept(scripted: Callable[..., Scripted]) -> None:
    """What a captive portal plants is not sent to the provider."""
    script = scripted((200, {}, {"Set-Cookie": "portal=1; Path=/"}))
    with client(script) as reader:
        reader.quota(SENDER)
        assert not reader._http._lasting.cookies
