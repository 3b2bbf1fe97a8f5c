"""A storm of messages under faults: afterwards all of the sandbox's own numbers must fit together."""

from collections import Counter
from hashlib import blake2b
from typing import Any

import orjson
import pytest

from tests.contract.sandbox_caller import DAY_MS, Caller, message
from zalosync.sandbox import oracle
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.settings import ListedTemplate, Settings, Shares

STORM: list[dict[str, Any]] = [
    {"do": "refuse-429", "rate": 0.05},
    {"do": "refuse-503", "rate": 0.02},
    {"do": "html-403", "rate": 0.01},
    {"do": "reset-before-reading", "rate": 0.01},
    {"do": "reset-unaccepted", "rate": 0.02},
    {"do": "accepted-then-reset", "on": ["send", "reports"], "rate": 0.03},
    {"do": "accepted-then-500", "on": ["send"], "rate": 0.02},
    {"do": "cut-body", "rate": 0.02},
    {"do": "partial-accept", "rate": 0.03},
    {"do": "partial-accept-then-500", "rate": 0.02},
    {"do": "phantom-accept", "rate": 0.02},
    {"do": "row-rejected", "rate": 0.03},
    {"do": "missing-rows", "rate": 0.03, "on": ["send", "reports"]},
    {"do": "repeated-rows", "rate": 0.03, "on": ["send", "reports"]},
    {"do": "duplicates-twice", "rate": 0.05},
    {"do": "duplicates-later", "rate": 0.05},
    {"do": "half-body", "on": ["send"], "rate": 0.02},
]
SETTINGS = Settings(
    seed=7,
    shares=Shares(no_account=0.05, expired=0.04, no_report=0.02, silent=0.02),
    templates=(ListedTemplate(id=9, tag="PROMOTION"),),
    daily_quota=10**9,
    monthly_promotion_quota=500,
    promotion_cap=2,
    check_share=0.0,
    check_first=0,
)


def _draw(seed: int, *names: object) -> float:
    digest = blake2b(repr((seed, names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


class Storm:
    """A caller who sends many batches, repeats some, and reads reports now and then."""

    def __init__(self, seed: int, count: int) -> None:
        self.caller = Caller(SETTINGS, STORM)
        self.seed = seed
        self.count = count
        self.sent: Counter[str] = Counter()
        self.read: Counter[tuple[str, str]] = Counter()

    def run(self) -> None:
        """Sends everything, then waits for the end of every story and reads the rest."""
        number = 0
        made = 0
        while made < self.count:
            number += 1
            size = 1 + int(_draw(self.seed, "size", number) * 150)
            batch = [self._message(made + n) for n in range(min(size, self.count - made))]
            made += len(batch)
            self._send(number, batch)
            if _draw(self.seed, "again", number) < 0.15:
                self._send(number, batch[: 1 + len(batch) // 2])
            if number % 5 == 0:
                self._pull()
            self.caller.wait(int(_draw(self.seed, "wait", number) * 3000))
        self.caller.wait(DAY_MS)
        for _ in range(2 + 2 * self.count // 500):
            self._pull()

    def _message(self, n: int) -> dict[str, Any]:
        kind = _draw(self.seed, "kind", n)
        options: dict[str, Any] = {}
        if kind < 0.3:
            options["smsFailover"] = {"text": "Đơn hàng của quý khách đã được gửi đi." * (1 + n % 3)}
        content = {"type": "TEMPLATE", "templateName": 9 if kind > 0.9 else 1, "templateData": {"n": str(n)}}
        return message(f"m{n}", f"849{n % (self.count // 2 + 1):08d}", content=content, options=options)

    def _send(self, number: int, batch: list[dict[str, Any]]) -> None:
        body: dict[str, Any] = {"messages": batch}
        if _draw(self.seed, "plan", number) < 0.2:
            body["options"] = {"schedule": {"sendingSpeedLimit": {"amount": 6000}}}
        self.sent.update(each["destinations"][0]["messageId"] for each in batch)
        self.caller.call("POST", "/zalo/2/messages", body)

    def _pull(self) -> None:
        reply: Reply = self.caller.call("GET", "/zalo/1/reports", query="limit=1000")
        if reply.status == 200 and reply.wire.action == "answer":
            self.read.update(
                (row["messageId"], row["channel"]) for row in orjson.loads(reply.body)["results"]
            )


def _check(storm: Storm) -> None:
    caller = storm.caller
    totals = caller.totals(end=True)
    entries = list(oracle.messages(caller.connection, oracle.END))
    # Every message taken has exactly one end, and nothing is left over.
    assert totals["waiting"] == totals["pending"] == 0
    ends = ("delivered", "undeliverable", "expired", "rejected")
    assert totals["accepted"] == sum(totals[name] for name in ends)
    # The counts by id, by phone and in total are one and the same.
    assert totals["accepted"] == sum(entry["accepted"] for entry in entries)
    assert totals["deliveries"] == sum(entry["deliveries"] for entry in entries)
    assert totals["deliveries"] == sum(oracle.phones(caller.connection, oracle.END).values())
    assert sum(entry["seen"] for entry in entries) >= totals["accepted"] + totals["refused"]
    assert {entry["messageId"] for entry in entries} <= set(storm.sent)
    # What arrived: delivered by Zalo, by SMS, or unseen by Zalo's reports.
    unseen = sum(1 for e in entries for row in e["rows"] if row["status"] == 29)
    by_sms = totals["failover"]["delivered"]
    assert totals["delivered"] + by_sms <= totals["deliveries"] <= totals["delivered"] + by_sms + unseen
    # What was charged: each delivery by Zalo, each SMS.
    assert totals["charged"]["messages"] == totals["delivered"] + totals["failover"]["sent"]
    zalo = totals["charged"]["amount"] - totals["failover"]["price"]
    assert zalo == pytest.approx(totals["delivered"] * SETTINGS.price)
    # Every report was handed out once, but for those nobody makes; nobody read one that was not.
    rows = [row for entry in entries for row in entry["rows"]]
    assert totals["reported"] == sum(row["reported"] for row in rows)
    assert {row["reported"] for row in rows} <= {0, 1}
    assert not set(storm.read) - {(e["messageId"], row["channel"]) for e in entries for row in e["rows"]}
    unread = sum(1 for row in rows if row["reported"] == 0)
    assert unread <= 0.05 * len(rows)
    # The faults did happen, and what they drop was not taken.
    assert len(totals["faults"]) >= len(STORM) - 2
    assert 0 < totals["accepted"] < sum(storm.sent.values())
    assert totals["duplicates"] > 0
    again = [entry for entry in entries if entry["accepted"] > 1]
    assert all(entry["seen"] > 1 for entry in again)


@pytest.mark.timeout(600)
def test_a_storm_balances() -> None:
    """Accepted, delivered, reported and charged fit together after 100,000 messages under faults."""
    storm = Storm(1, 100_000)
    storm.run()
    _check(storm)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [2, 3])
def test_other_storms_balance(seed: int) -> None:
    """So they do after other storms."""
    storm = Storm(seed, 100_000)
    storm.run()
    _check(storm)


def test_a_storm_can_be_repeated() -> None:
    """The same seed gives the same storm, to the last row."""
    storms = []
    for _ in range(2):
        storm = Storm(5, 600)
        storm.run()
        storms.append(
            (storm.caller.totals(end=True), list(oracle.messages(storm.caller.connection, oracle.END)))
        )
    assert storms[0] == storms[1]
