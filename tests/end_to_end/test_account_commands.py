"""What is asked of the account besides sending: contracts of templates, RSA keys, and where it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.command import Done, zalosync
from tests.support.server import Server, serving
from tests.support.shop import CAMPAIGN, SENDER, Shop, write_shop

pytestmark = pytest.mark.usefixtures("loopback")

ROWS = 20
TEMPLATE: dict[str, Any] = {
    "id": 322307,
    "name": "Order shipped",
    "tag": "TRANSACTION",
    "properties": [{"name": "customer_name", "max_length": 13}, {"name": "order_code", "max_length": 30}],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A sandbox that knows the contract of one template, and has a key of 2048 bits."""
    with serving(tmp_path / "server", {"templates": [TEMPLATE]}) as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, server: Server) -> Shop:
    """A project whose environment is named by a variable."""
    shop = write_shop(tmp_path / "shop", ROWS, base_url="{env: INFOBIP_BASE_URL}")
    shop.environ = {**server.environ, "INFOBIP_BASE_URL": server.base_url}
    return shop


def run(shop: Shop, *arguments: str) -> Done:
    """One command with the shop's variables."""
    return zalosync(shop.root, *arguments, environ=shop.environ)


def test_contracts_are_pulled_and_held_against_the_values(shop: Shop) -> None:
    """`templates pull` writes sender, status, tag and lengths; rows that do not fit are skipped.

    What fits an encrypted value is counted in bytes, what the contract allows in characters.
    """
    assert run(shop, "ledger", "init").code == 0
    pulled = run(shop, "templates", "pull")
    assert pulled.code == 0, pulled.err
    lock = YAML(typ="safe", pure=True).load((shop.root / "templates.lock.yaml").read_text(encoding="utf-8"))
    (contract,) = lock["templates"].values()
    assert (contract["sender"], contract["status"], contract["tag"]) == (SENDER, "ENABLE", "TRANSACTION")
    assert contract["parameters"]["customer_name"]["required"] is True
    assert contract["parameters"]["customer_name"]["maxLength"] == 13
    planned = run(shop, "plan", "--json")
    assert planned.code == 0, planned.err
    (campaign,) = planned.json["campaigns"]
    long = [each for each in shop.valid.values() if len(each.values["customer_name"]) > 13]
    assert 0 < len(long) < len(shop.valid)
    assert campaign["skipped"] == {**shop.skipped, "invalid-values": len(long)}
    assert run(shop, "render", CAMPAIGN, "--json").json["budget"] == 190  # the plan saw the key
    assert not any(each["id"] == "template-unpinned" for each in campaign["findings"])


def test_a_parameter_that_the_pulled_contract_does_not_have_is_an_error(shop: Shop) -> None:
    """A spec is held against the contract, offline: 65, at the line of the value."""
    assert run(shop, "templates", "pull").code == 0
    spec = shop.root / "campaigns" / f"{CAMPAIGN}.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("order_code:", "order_kode:"), encoding="utf-8")
    said = run(shop, "validate")
    assert said.code == 65
    assert "ZS231" in said.out
    assert "did you mean `order_code`?" in said.out


def test_the_first_key_that_is_seen_is_trusted_and_another_is_refused(shop: Shop, server: Server) -> None:
    """Without a pin the ledger remembers it; a change is exit 8, until the new one is pinned."""
    assert run(shop, "ledger", "init").code == 0
    assert run(shop, "apply", "--auto-approve", "--max-messages", "1").code == 5
    (seen,) = run(shop, "keys", "show", "--json").json["keys"]
    assert (seen["bits"], seen["value_bytes"]) == (2048, 190)
    assert (seen["pinned"], seen["seen_before"]) == (None, seen["fingerprint"])
    server.control("POST", f"keys/{SENDER}")
    refused = run(shop, "apply", "--auto-approve")
    assert (refused.code, "seen before, by the ledger" in refused.err) == (8, True), refused.err
    assert server.accepted() == 1
    (changed,) = run(shop, "keys", "show", "--json").json["keys"]
    assert run(shop, "keys", "pin", "--fingerprint", seen["fingerprint"]).code == 8
    pinned = run(shop, "keys", "pin", "--fingerprint", changed["fingerprint"])
    assert pinned.code == 0, pinned.err
    assert changed["fingerprint"] in (shop.root / "zalosync.yaml").read_text(encoding="utf-8")
    assert run(shop, "plan").code == 0
