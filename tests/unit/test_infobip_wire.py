"""The bytes of a request to send: golden bodies, and what may never be in them."""

import base64
import json
import os
import pickle
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zalosync.errors import InternalError
from zalosync.infobip.keys import Encryptor
from zalosync.infobip.wire import Envelope, Outgoing, Window, send_body, wire_time

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "wire"
SENDER = "4097700000000000001"
SEND_AT = datetime(2026, 12, 1, 9, 0, 0, 120_999, tzinfo=timezone(timedelta(hours=7)))
LAN = Outgoing("84901234567", "zs1-LAN", {"customer_name": "Lan", "order_code": "DH-0091"})
AN = Outgoing("84912345678", "zs1-AN", {"customer_name": "Ân", "order_code": "DH-0092"})

FULL = Envelope(
    sender=SENDER,
    template=322307,
    validity=(6, "HOURS"),
    window=Window(("MONDAY", "TUESDAY"), (1, 0), (14, 30)),
    platform=("shop-1", "prod"),
    sending_mode="OVER_THE_LIMIT",
    webhook_url="https://hooks.example/dlr/K3y",
    intermediate_report=False,
    notify=True,
    content_type="application/json",
    shorten_url=True,
    track_clicks=True,
    tracking_url="https://hooks.example/clicks",
    custom_domain="go.example",
    remove_protocol=False,
    campaign_reference_id="spring",
    speed=(300, "MINUTE"),
)
FAILOVER = Envelope(
    sender=SENDER,
    template=322307,
    validity=(30, "MINUTES"),
    window=Window(("SUNDAY",)),
    platform=(None, "prod"),
    failover_sender="SHOP",
    failover_validity=(3600, "SECONDS"),
)
BODIES = {
    "minimal": lambda: send_body(
        Envelope(sender=SENDER, template=322307), [LAN], bulk_id="zs1b-1", send_at=None, encryptor=None
    ),
    "full": lambda: send_body(
        FULL,
        [
            Outgoing(LAN.phone, LAN.message_id, LAN.values, None, "spring|LAN"),
            Outgoing(AN.phone, AN.message_id, AN.values, None, "spring|AN"),
        ],
        bulk_id="zs1b-2",
        send_at=SEND_AT,
        encryptor=None,
    ),
    "failover": lambda: send_body(
        FAILOVER,
        [Outgoing(LAN.phone, LAN.message_id, LAN.values, "Don DH-0091 da gui"), AN],
        bulk_id="zs1b-3",
        send_at=None,
        encryptor=None,
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_its_golden_file(name: str) -> None:
    """What goes on the wire changes only together with its golden file (`REWRITE_GOLDEN=1` writes it)."""
    body = BODIES[name]()
    golden = GOLDEN / f"{name}.json"
    pretty = json.dumps(json.loads(body), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("REWRITE_GOLDEN"):
        golden.write_text(pretty, encoding="utf-8")
    assert pretty == golden.read_text(encoding="utf-8")


def test_every_message_has_an_entry_of_its_own() -> None:
    """No two people share template data: one entry, one destination."""
    entries = orjson.loads(BODIES["full"]())["messages"]
    assert [len(entry["destinations"]) for entry in entries] == [1, 1]
    assert [entry["content"]["templateData"]["customer_name"] for entry in entries] == ["Lan", "Ân"]


def test_a_failover_text_stays_with_its_message() -> None:
    """The message without a failover text gets no failover, though the campaign has one."""
    first, second = orjson.loads(BODIES["failover"]())["messages"]
    assert first["options"]["smsFailover"]["text"] == "Don DH-0091 da gui"
    assert "smsFailover" not in second["options"]


@pytest.fixture(scope="module")
def private_key() -> rsa.RSAPrivateKey:
    """A key pair of ours."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def test_encrypted_values_are_encrypted_each_alone(private_key: rsa.RSAPrivateKey) -> None:
    """Names and numbers stay clear, values decrypt to what was given, and the option says so."""
    der = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    envelope = Envelope(sender=SENDER, template=1, encrypted=True)
    body = send_body(envelope, [AN], bulk_id="b", send_at=None, encryptor=Encryptor(der, "sha256"))
    (entry,) = orjson.loads(body)["messages"]
    assert entry["options"] == {"encrypted": True}
    scheme = padding.OAEP(mgf=padding.MGF1(SHA256()), algorithm=SHA256(), label=None)
    clear = {
        name: private_key.decrypt(base64.b64decode(value), scheme).decode()
        for name, value in entry["content"]["templateData"].items()
    }
    assert clear == AN.values
    assert "Ân" not in body.decode()


@pytest.mark.parametrize("encrypted", [True, False])
def test_a_key_and_the_option_go_together(encrypted: bool, private_key: rsa.RSAPrivateKey) -> None:  # noqa: FBT001
    """Neither clear values under `encrypted`, nor encrypted ones without it."""
    der = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    encryptor = None if encrypted else Encryptor(der, "sha1")
    with pytest.raises(InternalError):
        send_body(
            Envelope(sender=SENDER, template=1, encrypted=encrypted),
            [LAN],
            bulk_id="b",
            send_at=None,
            encryptor=encryptor,
        )


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (SEND_AT, "2026-12-01T02:00:00.120+0000"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000+0000"),
        (
            datetime(2026, 3, 1, 6, 59, 59, 999_999, timezone(timedelta(hours=7))),
            "2026-02-28T23:59:59.999+0000",
        ),
    ],
)
def test_moments_are_written_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    """`yyyy-MM-dd'T'HH:mm:ss.SSS+0000`, never rounded up into another second."""
    assert wire_time(moment) == text


def test_a_moment_without_an_offset_is_a_bug() -> None:
    """Nobody can place it, so it must not be sent."""
    with pytest.raises(InternalError):
        wire_time(datetime(2026, 1, 1))  # noqa: DTZ001


def test_an_outgoing_message_does_not_show_itself() -> None:
    """Phone, values and texts are nowhere in its `repr`."""
    shown = repr(Outgoing("84901234567", "zs1-X", {"n": "Lan"}, "text", "back"))
    assert shown == "Outgoing(message_id='zs1-X')"


def test_what_workers_need_can_be_sent_to_them() -> None:
    """Envelope and messages survive pickling."""
    for value in (FULL, LAN):
        assert pickle.loads(pickle.dumps(value)) == value  # noqa: S301
