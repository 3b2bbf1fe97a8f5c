"""Bodies of requests: the same whether a worker process makes them or this one."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.books import claim_of
from tests.support.desk import PROJECT, SENDER, Desk, phones
from zalosync.apply import seal
from zalosync.apply.batch import Batch, Letter
from zalosync.apply.envelope import envelope_of
from zalosync.apply.seal import Order, Sealer
from zalosync.infobip.keys import Encryptor
from zalosync.infobip.wire import Envelope
from zalosync.sandbox.decrypt import load_key, new_key, public_text
from zalosync.spec.loaded import LoadedCampaign

LETTER = Letter(claim_of(1, "a"), "84901234567", {"name": "Lan"})


def encryptor() -> Encryptor:
    """For a key of the size that is quickest to make."""
    return Encryptor(base64.b64decode(public_text(load_key(new_key(2048)))), "sha256")


def test_a_worker_makes_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many values are encrypted in processes; what is not encrypted never waits for one."""
    monkeypatch.setattr(seal, "WORKERS", 2)
    monkeypatch.setattr(seal, "POOL_FROM_VALUES", 1)
    plain = Order("tet", "tet", Envelope(sender=SENDER, template=1))
    hidden = Order("tet", "tet", Envelope(sender=SENDER, template=1, encrypted=True), encryptor())
    with Sealer(values=10, proof=lambda _: "proof") as sealer:
        assert sealer.workers == 2
        clear = sealer.seal(Batch(plain, (LETTER,)))
        assert clear.done()
        sealed = json.loads(sealer.seal(Batch(hidden, (LETTER,))).result(timeout=60))
    (message,) = sealed["messages"]
    assert message["webhooks"]["callbackData"] == "proof"
    assert message["content"]["templateData"]["name"] not in ("Lan", "")
    told = json.loads(clear.result())
    assert told["messages"][0]["content"]["templateData"] == {"name": "Lan"}
    assert told["messages"][0]["destinations"] == message["destinations"]


def test_few_values_start_no_process() -> None:
    """A handful is encrypted before a process would have started."""
    hidden = Order("tet", "tet", Envelope(sender=SENDER, template=1, encrypted=True), encryptor())
    with Sealer(values=1) as sealer:
        assert sealer.workers == 0
        body = sealer.seal(Batch(hidden, (LETTER,)))
        assert body.done()
    assert b"Lan" not in body.result()


def loaded(tmp_path: Path, more: str = "") -> LoadedCampaign:
    """A campaign as read."""
    desk = Desk(tmp_path)
    desk.write("zalosync.yaml", f"{PROJECT}  allowedWebhookHosts: [hooks.example.vn]\n")
    desk.campaign("tet", phones(1), more=more)
    with desk.plan() as plan:
        found = plan.campaigns[0].loaded
    desk.ledger.close()
    return found


def test_every_option_is_on_the_wire(tmp_path: Path) -> None:
    """What a spec says of sending reads the same in the request."""
    spec = """
    schedule:
      sendingSpeedLimit: {amount: 300, timeUnit: MINUTE}
      deliveryTimeWindow: {days: [MONDAY], from: "09:00", to: "18:00", timezone: Asia/Ho_Chi_Minh}
    validityPeriod: 2h
    smsFailover: {sender: SHOP, text: "Don hang", validityPeriod: 3h}
    platform: {entityId: shop, applicationId: prod}
    webhooks: {delivery: {url: "https://hooks.example.vn/{token}", intermediateReport: true}}
    """
    found = envelope_of(loaded(tmp_path, spec), "token")
    assert found.window is not None
    assert (found.window.days, found.window.start, found.window.end) == (("MONDAY",), (2, 0), (11, 0))
    assert found.speed == (300, "MINUTE")
    assert (found.validity, found.failover_validity) == ((2, "HOURS"), (3, "HOURS"))
    assert (found.platform, found.failover_sender) == (("shop", "prod"), "SHOP")
    assert (found.webhook_url, found.intermediate_report) == ("https://hooks.example.vn/token", True)


def test_what_a_spec_leaves_out_is_left_out(tmp_path: Path) -> None:
    """The provider's defaults hold where nothing is said."""
    found: Any = envelope_of(loaded(tmp_path), "token")
    for name in ("window", "speed", "validity", "platform", "failover_sender", "webhook_url", "notify"):
        assert getattr(found, name) is None
