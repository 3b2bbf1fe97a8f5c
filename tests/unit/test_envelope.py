"""What a campaign's keys become on the wire: each under the provider's own name, and nothing else."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zalosync.apply.envelope import envelope_of
from zalosync.compose.message import Keys, webhook_token
from zalosync.infobip.keys import Encryptor
from zalosync.infobip.wire import Outgoing, send_body
from zalosync.spec.load import read_campaign

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
LEAST = """\
apiVersion: zalosync/v1
kind: Campaign
metadata: {name: order-shipped, description: For readers, owner: crm@example.vn, labels: {team: crm}}
spec:
  sender: "4097700000000000001"
  template: {name: 322307, tag: PROMOTION}
  audience: {path: people.csv, phone: phone}
  templateData: {order_code: "{{ order_code }}"}
"""
FULL = """\
  schedule:
    sendAt: 2026-12-01T09:00:00+07:00
    sendingSpeedLimit: {amount: 300, timeUnit: HOUR}
    deliveryTimeWindow: {days: [MONDAY, TUESDAY], from: "02:00", to: "06:30", timezone: Asia/Ho_Chi_Minh}
  validityPeriod: 6h
  smsFailover: {sender: SHOPVN, text: "Don {{ order_code }}", validityPeriod: {amount: 90}, asciiOnly: true}
  platform: {entityId: shop-1, applicationId: prod}
  sendingMode: OVER_THE_LIMIT
  tracking: {shortenUrl: true, trackClicks: true, trackingUrl: "https://hooks.example.vn/clicks",
             removeProtocol: true, customDomain: go.example.vn}
  webhooks:
    delivery: {url: "https://hooks.example.vn/zalo/{token}", intermediateReport: true, notify: true}
"""


def body(spec: str) -> Any:
    """The request for one recipient of a campaign."""
    loaded = read_campaign(LEAST + spec, now=NOW)
    sms = loaded.campaign.spec.sms_failover
    one = Outgoing("84901234567", "zs1-X", {"order_code": "DH1"}, "Don DH1" if sms else None)
    at = loaded.campaign.spec.schedule.send_at
    return json.loads(send_body(envelope_of(loaded, "t0ken"), [one], bulk_id="b", send_at=at, encryptor=None))


def test_what_is_left_out_is_left_to_the_provider() -> None:
    """But for link shortening and click tracking: their default over there is true, so false is sent."""
    sent = body("")
    assert sent["options"] == {
        "schedule": {"bulkId": "b"},
        "tracking": {"shortenUrl": False, "trackClicks": False},
    }
    (message,) = sent["messages"]
    assert message == {
        "sender": "4097700000000000001",
        "destinations": [{"to": "84901234567", "messageId": "zs1-X"}],
        "content": {"type": "TEMPLATE", "templateName": 322307, "templateData": {"order_code": "DH1"}},
        "options": {"campaignReferenceId": "order-shipped"},
    }


def test_every_key_goes_out_under_the_provider_s_name() -> None:
    """Amounts with their unit, the window in UTC with its days, the token in its place."""
    sent = body(FULL)
    assert sent["options"] == {
        "schedule": {
            "bulkId": "b",
            "sendAt": "2026-12-01T02:00:00.000+0000",
            "sendingSpeedLimit": {"amount": 300, "timeUnit": "HOUR"},
        },
        "tracking": {
            "shortenUrl": True,
            "trackClicks": True,
            "trackingUrl": "https://hooks.example.vn/clicks",
            "removeProtocol": True,
            "customDomain": "go.example.vn",
        },
    }
    (message,) = sent["messages"]
    assert message["options"] == {
        "platform": {"entityId": "shop-1", "applicationId": "prod"},
        "validityPeriod": {"amount": 6, "timeUnit": "HOURS"},
        "deliveryTimeWindow": {
            "days": ["MONDAY", "SUNDAY"],
            "from": {"hour": 19, "minute": 0},
            "to": {"hour": 23, "minute": 30},
        },
        "campaignReferenceId": "order-shipped",
        "sendingMode": "OVER_THE_LIMIT",
        "smsFailover": {
            "text": "Don DH1",
            "sender": "SHOPVN",
            "validityPeriod": {"amount": 90, "timeUnit": "MINUTES"},
        },
    }
    assert message["webhooks"] == {
        "delivery": {
            "url": "https://hooks.example.vn/zalo/t0ken",
            "intermediateReport": True,
            "notify": True,
        },
        "contentType": "application/json",
    }


@pytest.mark.parametrize("mode", ["REGULAR", "OVER_THE_LIMIT", "AUTO"])
def test_sending_modes_are_the_provider_s(mode: str) -> None:
    """REGULAR is its default and is not written out."""
    (message,) = body(f"  sendingMode: {mode}\n")["messages"]
    assert message["options"].get("sendingMode", "REGULAR") == mode


def test_no_report_where_none_is_wanted() -> None:
    """`notify: false` is said, and no address with it."""
    (message,) = body("  webhooks: {delivery: {notify: false}}\n")["messages"]
    assert message["webhooks"] == {"delivery": {"notify": False, "intermediateReport": False}}


def test_notes_for_readers_stay_at_home() -> None:
    """Description, owner and labels are nobody's business but the project's."""
    text = json.dumps(body(FULL))
    assert not any(word in text for word in ("For readers", "crm"))


def test_the_token_is_of_the_key_and_the_environment() -> None:
    """Nobody who knows one environment's address knows another's, or that of another project."""
    keys = (Keys(b"1" * 32), Keys(b"2" * 32))
    tokens = {webhook_token(key, name) for key in keys for name in ("production", "staging")}
    assert len(tokens) == 4
    assert {len(token) for token in tokens} == {32}
    assert webhook_token(keys[0], "production") == webhook_token(Keys(b"1" * 32), "production")


def test_the_sms_of_an_encrypted_campaign_is_plain() -> None:
    """Its values are ciphertext; the failover text is what the operator reads."""
    sms = "  encrypted: true\n  smsFailover: {text: Don}\n"
    loaded = read_campaign(LEAST + sms, now=NOW)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    encryptor = Encryptor(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "sha1")
    one = Outgoing("84901234567", "zs1-X", {"order_code": "DH1"}, "Don DH1")
    raw = send_body(envelope_of(loaded, "t"), [one], bulk_id="b", send_at=None, encryptor=encryptor)
    (message,) = json.loads(raw)["messages"]
    assert message["options"]["encrypted"] is True
    assert message["options"]["smsFailover"]["text"] == "Don DH1"
    assert len(message["content"]["templateData"]["order_code"]) == 344
