"""A whole campaign: plan, apply, refresh, plan again, held against what the sandbox itself counted."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.command import zalosync
from tests.support.server import Server, serving
from tests.support.shop import CAMPAIGN, SENDER, Shop, write_shop
from zalosync.sandbox import oracle
from zalosync.sandbox.embedded import EmbeddedSandbox
from zalosync.sandbox.settings import Settings

pytestmark = pytest.mark.usefixtures("loopback")

FINAL = {"delivered", "undeliverable", "expired", "rejected"}
# Stories that end at once: what is tested is the way, not the waiting.
QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50}


def small_key(shop: Shop) -> Path:
    """Make the embedded sandbox's key for the sender, small enough to be quick; gives its state's folder."""
    state = shop.state / "here.sandbox"
    shop.state.mkdir(mode=0o700)
    with EmbeddedSandbox(state, settings=Settings(key_bits=2048)) as sandbox, httpx.Client() as client:
        path = f"{sandbox.base_url}/zalo/1/sender/{SENDER}/public-key"
        client.post(path, headers={"Authorization": f"App {sandbox.api_key}"}).raise_for_status()
    return state


def assert_each_once(shop: Shop, messages: list[dict[str, Any]]) -> None:
    """Everybody valid was taken once and nobody else; what could be read is what was to be seen."""
    by_phone = {entry["to"]: entry for entry in messages}
    assert len(by_phone) == len(messages), "a phone with two message ids"
    assert by_phone.keys() == shop.valid.keys()
    assert {entry["accepted"] for entry in messages} == {1}
    assert {entry["seen"] for entry in messages} == {1}
    for phone, person in shop.valid.items():
        values = by_phone[phone]["values"]
        assert values is None or values == person.values


def states(shop: Shop, environ: dict[str, str]) -> dict[str, int]:
    """How many messages stand where, as `status` says."""
    done = zalosync(shop.root, "status", "--json", environ=environ)
    (campaign,) = done.json["campaigns"]
    assert campaign["attempts"] == sum(campaign["states"].values())
    found: dict[str, int] = campaign["states"]
    return found


def run_campaign(shop: Shop, environ: dict[str, str]) -> dict[str, Any]:
    """Plan, apply, refresh until final; the plan's totals, which apply and status must repeat."""
    planned = zalosync(shop.root, "plan", "--json", "--detailed-exitcode", environ=environ)
    assert (planned.code, planned.err.count("error")) == (2, 0), planned.err
    (campaign,) = planned.json["campaigns"]
    assert campaign["skipped"] == shop.skipped
    totals: dict[str, Any] = planned.json["totals"]
    assert totals["audience"] == len(shop.people)
    assert totals["send"] == len(shop.valid)
    assert totals["skipped"] == sum(shop.skipped.values())

    applied = zalosync(shop.root, "apply", "--auto-approve", "--json", environ=environ)
    assert applied.code == 0, applied.err
    assert applied.json["totals"]["accepted"] == totals["send"]
    assert applied.json["totals"]["not_sent"] == applied.json["totals"]["unknown"] == 0

    refreshed = zalosync(shop.root, "refresh", "--until-final", environ=environ)
    assert refreshed.code == 0, refreshed.err
    return totals


def assert_nothing_left(shop: Shop, environ: dict[str, str]) -> None:
    """Planning again finds nothing to do, and says what became of everybody."""
    again = zalosync(shop.root, "plan", "--json", "--detailed-exitcode", environ=environ)
    assert again.code == 0, again.err
    totals = again.json["totals"]
    assert (totals["send"], totals["retry"], totals["changed"], totals["unknown"]) == (0, 0, 0, 0)
    assert totals["unchanged"] + totals["failed"] == len(shop.valid)


@pytest.fixture
def server(tmp_path: Path) -> Any:
    """A sandbox in a process of its own that opens every value."""
    with serving(tmp_path / "server", QUICK) as running:
        yield running


def test_campaign_on_the_embedded_sandbox(tmp_path: Path) -> None:
    """Plan, ledger and sandbox agree on every count; who is valid gets one message, as rendered."""
    shop = write_shop(tmp_path / "shop", 300)
    state = small_key(shop)
    totals = run_campaign(shop, {})
    messages = oracle.read_messages(state)
    assert_each_once(shop, messages)
    counted = oracle.read(state)
    assert counted["accepted"] == totals["send"]
    assert counted["decrypted"]["failed"] == 0
    assert counted["decrypted"]["checked"] >= 200  # two values of each of the first hundred messages
    recorded = states(shop, {})
    assert recorded.keys() <= FINAL
    assert recorded == {name: counted[name] for name in recorded}
    assert_nothing_left(shop, {})


def test_ten_thousand_rows(tmp_path: Path) -> None:
    """10,000 rows, encrypted: one attempt for each valid one, and all counts agree."""
    shop = write_shop(tmp_path / "shop", 10_000, batch_size=100)
    state = small_key(shop)
    totals = run_campaign(shop, {})
    assert_each_once(shop, oracle.read_messages(state))
    counted = oracle.read(state)
    assert counted["accepted"] == totals["send"] == sum(states(shop, {}).values())
    assert counted["decrypted"]["failed"] == counted["duplicates"] == counted["refused"] == 0


def test_any_server_of_this_api(tmp_path: Path, server: Server) -> None:
    """The project runs against a server at http://127.0.0.1:PORT; all values arrive as they were rendered."""
    shop = write_shop(tmp_path / "shop", 300, base_url=server.base_url)
    made = zalosync(shop.root, "ledger", "init")
    assert made.code == 0, made.err
    run_campaign(shop, server.environ)
    messages = server.messages()
    assert_each_once(shop, messages)
    assert all(entry["values"] is not None for entry in messages), "the server could not read a value"
    counted = server.totals()
    assert counted["decrypted"]["ok"] == 2 * len(shop.valid)
    recorded = states(shop, server.environ)
    assert recorded == {name: counted[name] for name in recorded}
    assert_nothing_left(shop, server.environ)
    assert (shop.root / "zalosync.lock").exists()


def test_missing_ledger_is_an_error(tmp_path: Path, server: Server) -> None:
    """Away from the sandbox nothing is sent without a ledger: exit 7, or 64 where even the key is missing."""
    shop = write_shop(tmp_path / "shop", 20, base_url=server.base_url)
    without_key = zalosync(shop.root, "apply", "--auto-approve", environ=server.environ)
    assert without_key.code == 64
    assert zalosync(shop.root, "ledger", "init").code == 0
    (shop.state / "here.db").unlink()
    without_ledger = zalosync(shop.root, "apply", "--auto-approve", environ=server.environ)
    assert without_ledger.code == 7
    assert "is missing" in without_ledger.err
    assert zalosync(shop.root, "ledger", "init").code == 7
    assert server.totals()["requests"] == 0


def test_a_second_campaign_reaches_the_same_people(tmp_path: Path, server: Server) -> None:
    """Raising `occurrence` is the way to message the same people again; nothing else is."""
    shop = write_shop(tmp_path / "shop", 40, base_url=server.base_url)
    zalosync(shop.root, "ledger", "init")
    run_campaign(shop, server.environ)
    spec = shop.root / "campaigns" / f"{CAMPAIGN}.yaml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("name | title", "name | upper"), encoding="utf-8")
    changed = zalosync(shop.root, "plan", "--json", environ=server.environ).json["totals"]
    assert (changed["send"], changed["changed"] + changed["failed"]) == (0, len(shop.valid))
    spec.write_text(text + "  occurrence: 2\n", encoding="utf-8")
    applied = zalosync(shop.root, "apply", "--auto-approve", "--json", environ=server.environ)
    assert applied.code == 0, applied.err
    per_phone: dict[str, int] = {}
    for entry in server.messages():
        assert entry["accepted"] == 1
        per_phone[entry["to"]] = per_phone.get(entry["to"], 0) + 1
    assert per_phone == dict.fromkeys(shop.valid, 2)


def test_a_new_key_of_another_size(tmp_path: Path) -> None:
    """A sender without a key gets one by applying; where it is smaller than planned, nothing is sent."""
    with serving(tmp_path / "server", QUICK, key=False) as server:
        shop = write_shop(tmp_path / "shop", 20, base_url=server.base_url)
        zalosync(shop.root, "ledger", "init")
        first = zalosync(shop.root, "apply", "--auto-approve", environ=server.environ)
        assert first.code == 4, first.err
        assert server.accepted() == 0
        second = zalosync(shop.root, "apply", "--auto-approve", environ=server.environ)
        assert second.code == 0, second.err
        assert_each_once(shop, server.messages())


@pytest.mark.parametrize(
    ("faults", "code", "words"),
    [
        ([{"do": "no-json", "requests": [1]}], 6, "not the provider's"),
        ([{"do": "accepted-then-reset", "requests": [1]}], 6, ""),
    ],
    ids=["garbled", "reset"],
)
def test_doubt_is_named(tmp_path: Path, faults: list[dict[str, Any]], code: int, words: str) -> None:
    """A first answer that proves nothing stops or settles; nobody is sent to twice by applying again."""
    with serving(tmp_path / "server", QUICK, [{**fault, "on": ["send"]} for fault in faults]) as server:
        shop = write_shop(tmp_path / "shop", 60, base_url=server.base_url)
        zalosync(shop.root, "ledger", "init")
        first = zalosync(shop.root, "apply", "--auto-approve", "--json", environ=server.environ)
        assert first.code in (0, code), first.err
        assert words in first.json["reason"]
        for _ in range(2):
            zalosync(shop.root, "refresh", "--logs", environ=server.environ)
            zalosync(shop.root, "apply", "--auto-approve", environ=server.environ)
        assert {entry["accepted"] for entry in server.messages()} <= {1}
        unknown = states(shop, server.environ).get("unknown", 0)
        assert len(server.messages()) + unknown >= len(shop.valid)
