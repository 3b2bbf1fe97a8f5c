"""The client against the sandbox over loopback: two readings of one contract, written apart, agree."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pytest_socket import enable_socket, socket_allow_hosts

from zalosync.errors import ProviderRefused
from zalosync.infobip.account import TemplateStatus
from zalosync.infobip.client import Sender
from zalosync.infobip.keys import Encryptor, Mgf1
from zalosync.infobip.settings import Settings, authorization_header
from zalosync.infobip.wire import Envelope, Outgoing, Window, send_body
from zalosync.provider import DUPLICATE_MESSAGE_ID, Channel, Report
from zalosync.sandbox import oracle
from zalosync.sandbox.embedded import EmbeddedSandbox
from zalosync.sandbox.settings import Credential, ListedTemplate, Property, Rule, Shares
from zalosync.sandbox.settings import Settings as Switches
from zalosync.spec.secret import Secret

SENDER = "4097700000000000001"
TEMPLATE = 322307
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
NONE = Shares(no_account=0, expired=0, refused=0, provider_error=0, no_report=0)
STRICT: dict[str, Any] = {
    "unknown_keys": "refuse",
    "null_values": "refuse",
    "value_types": "string",
    "template_id_bits": 32,
    "key_bits": 2048,
    "check_share": 1.0,
    "delay_median_ms": 1,
    "delay_max_ms": 2,
    "logs_per_minute": 1000,
    "calls_per_second": 1000,
    "shares": NONE,
}
Connect = Callable[..., tuple[Sender, EmbeddedSandbox]]


@pytest.fixture(autouse=True)
def _sockets_to_loopback(_loopback_only: None) -> None:
    """The sandbox is on this machine."""
    enable_socket()
    socket_allow_hosts(["127.0.0.1", "::1"])


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Starts a sandbox with these switches, in its strictest reading of requests, and a client of it."""
    with ExitStack() as stack:

        def start(*, key: str | None = None, **switches: Any) -> tuple[Sender, EmbeddedSandbox]:
            sandbox = stack.enter_context(
                EmbeddedSandbox(tmp_path / "state", settings=Switches(**(STRICT | switches)))
            )
            settings = Settings(
                base_url=sandbox.base_url,
                authorization=authorization_header(Secret(key or sandbox.api_key)),
                reports_path="/zalo/1/reports",
            )
            client = Sender(
                settings, digest=lambda raw: raw[-8:], pseudonym=str.encode, monotonic=time.monotonic
            )
            return stack.enter_context(client), sandbox

        yield start


def _messages(count: int, **more: Any) -> list[Outgoing]:
    return [
        Outgoing(f"8490{n:07}", f"zs1-{n:032}", {"name": f"Nguyễn {n}", "code": f"DH-{n}"}, **more)
        for n in range(count)
    ]


def _body(envelope: Envelope, messages: list[Outgoing], encryptor: Encryptor | None = None) -> bytes:
    return send_body(envelope, messages, bulk_id="zs1b-1", send_at=None, encryptor=encryptor)


def _until(ask: Callable[[], list[Report]], count: int) -> list[Report]:
    """Asks again until that many reports came."""
    found: list[Report] = []
    end = time.monotonic() + 20
    while len(found) < count and time.monotonic() < end:
        found += ask()
        time.sleep(0.02)
    return found


@pytest.mark.parametrize("mgf1", ["sha1", "sha256"])
def test_an_encrypted_batch_is_accepted_decrypted_and_reported(connect: Connect, mgf1: Mgf1) -> None:
    """Key made, values encrypted, each decrypted over there to what was meant; reports and logs come back."""
    client, sandbox = connect(mgf1=mgf1)
    assert client.public_key(SENDER) is None
    key = client.create_public_key(SENDER)
    assert client.create_public_key(SENDER) == client.public_key(SENDER) == key
    assert (key.bits, key.budget) == (2048, 190)

    messages = _messages(25, callback_data="proof")
    envelope = Envelope(sender=SENDER, template=TEMPLATE, encrypted=True)
    exchange = client.submit(_body(envelope, messages, Encryptor(key.der, mgf1)))
    assert exchange.http_status == 200
    assert exchange.rows is not None
    assert [(row.message_id, row.destination) for row in exchange.rows] == [
        (message.message_id, message.phone) for message in messages
    ]
    assert {row.status.group for row in exchange.rows} == {"PENDING"}

    reports = _until(lambda: list(client.reports(10).rows), len(messages))
    assert {report.message_id for report in reports} == {message.message_id for message in messages}
    for report in reports:
        assert report.channel is Channel.ZALO
        assert report.status is not None
        assert (report.status.group_id, report.status.id) == (3, 5)
        assert (report.price, report.currency, report.proof) == (10_000, "EUR", "proof")
        assert report.sent_at is not None
        assert report.done_at is not None
        assert report.sent_at <= report.done_at
    page = client.logs(message_ids=[message.message_id for message in messages[:3]])
    assert {row.message_id for row in page.rows} == {message.message_id for message in messages[:3]}
    assert page.complete
    assert page.date is not None
    state = sandbox._options.state_dir
    while oracle.read(state)["decrypted"]["waiting"]:
        time.sleep(0.02)
    totals = oracle.read(state)
    assert totals["deliveries"] == 25
    assert (totals["decrypted"]["ok"], totals["decrypted"]["failed"]) == (50, 0)
    opened = {entry["messageId"]: entry["values"] for entry in oracle.read_messages(state)}
    assert opened == {message.message_id: message.values for message in messages}


def test_every_option_is_understood_by_a_strict_server(connect: Connect) -> None:
    """One that refuses each key it does not know, each null, and each value that is not a string."""
    client, _ = connect()
    envelope = Envelope(
        sender=SENDER,
        template=TEMPLATE,
        validity=(2, "HOURS"),
        window=Window(DAYS, (0, 0), (23, 59)),  # type: ignore[arg-type]
        platform=("shop-1", "prod"),
        sending_mode="AUTO",
        failover_sender="SHOP",
        failover_validity=(30, "MINUTES"),
        webhook_url="http://127.0.0.1:9/dlr/token",
        intermediate_report=True,
        notify=False,
        content_type="application/json",
        shorten_url=True,
        track_clicks=True,
        tracking_url="https://hooks.example/clicks",
        custom_domain="go.example",
        remove_protocol=True,
        campaign_reference_id="spring",
        speed=(60_000, "MINUTE"),
    )
    exchange = client.submit(_body(envelope, _messages(2, failover_text="Don hang", callback_data="x")))
    assert exchange.error is None
    assert exchange.rows is not None
    assert {row.status.group for row in exchange.rows} == {"PENDING"}


def test_a_second_submit_of_the_same_ids_is_told_as_duplicates(connect: Connect) -> None:
    """By status 23: the evidence that the first one was taken."""
    client, sandbox = connect()
    body = _body(Envelope(sender=SENDER, template=TEMPLATE), _messages(3))
    assert client.submit(body).rows is not None
    again = client.submit(body)
    assert again.rows is not None
    assert [row.status.id for row in again.rows] == [DUPLICATE_MESSAGE_ID] * 3
    assert oracle.read(sandbox._options.state_dir)["accepted"] == 3


def test_a_failover_is_told_from_its_message(connect: Connect) -> None:
    """Two rows of one id: the Zalo message failed, the SMS went out."""
    client, _ = connect(rules=(Rule(fate="no_account"),), sms_delivered_share=1.0)
    envelope = Envelope(sender=SENDER, template=TEMPLATE, failover_sender="SHOP")
    client.submit(_body(envelope, _messages(1, failover_text="Don hang")))
    reports = _until(lambda: list(client.reports(10).rows), 2)
    assert {report.channel: report.status.group for report in reports if report.status} == {
        Channel.ZALO: "UNDELIVERABLE",
        Channel.SMS: "DELIVERED",
    }
    assert {report.error_id for report in reports if report.channel is Channel.ZALO} == {7002}


def test_a_template_with_its_contract_and_the_quota(connect: Connect) -> None:
    """What a project pins and checks before it sends."""
    listed = ListedTemplate(
        id=TEMPLATE, name="Order", tag="CUSTOMER_CARE", properties=(Property(name="name", max_length=30),)
    )
    client, _ = connect(templates=(listed,))
    template = client.template(SENDER, TEMPLATE)
    assert (template.status, template.tag, template.display_name) == (
        TemplateStatus.ENABLED,
        "CUSTOMER_CARE",
        "Order",
    )
    assert template.parameters is not None
    (parameter,) = template.parameters
    assert (parameter.name, parameter.required, parameter.min_length, parameter.max_length) == (
        "name",
        True,
        0,
        30,
    )
    assert [one.name for one in client.templates(SENDER)] == [TEMPLATE]
    quota = client.quota(SENDER)
    assert quota.remaining_daily == quota.daily == 10_000_000


def test_a_wrong_key_is_refused_in_both_error_shapes(connect: Connect) -> None:
    """The proof that nothing was taken, and the way out for reads."""
    client, _ = connect(key="another")
    exchange = client.submit(_body(Envelope(sender=SENDER, template=TEMPLATE), _messages(1)))
    assert exchange.http_status == 401
    assert exchange.error is not None
    assert exchange.error.code == "E401"
    for read in (client.logs, client.reports, lambda: client.quota(SENDER)):
        with pytest.raises(ProviderRefused, match="check the API key"):
            read()


def test_a_missing_scope_is_refused(connect: Connect) -> None:
    """A key that may only read logs cannot send."""
    client, _ = connect(
        key="logs", credentials=(Credential(secret="logs", scopes=frozenset({"zalo:logs:read"})),)
    )
    assert client.logs().rows == ()
    exchange = client.submit(_body(Envelope(sender=SENDER, template=TEMPLATE), _messages(1)))
    assert exchange.http_status == 403
    assert exchange.error is not None


def test_the_throttle_of_the_logs_is_told(connect: Connect) -> None:
    """The eleventh request of a minute brings no rows but seconds to wait."""
    client, _ = connect(logs_per_minute=10, retry_after=True)
    pages = [client.logs() for _ in range(11)]
    assert [page.throttled is None for page in pages] == [True] * 10 + [False]
    assert pages[-1].throttled is not None
    assert 0 < pages[-1].throttled <= 60


def test_a_bad_batch_names_the_places_and_no_value(connect: Connect) -> None:
    """Violations say which property of which message; the number that was wrong is not in them."""
    client, _ = connect()
    bad = Outgoing("84901234567", "x" * 201, {"name": "Lan"})
    exchange = client.submit(_body(Envelope(sender=SENDER, template=TEMPLATE), [bad]))
    assert exchange.http_status == 400
    assert exchange.error is not None
    assert "messageId" in " ".join(exchange.error.violations)
    assert "84901234567" not in repr(exchange)
