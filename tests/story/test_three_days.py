"""Three days of two campaigns, and whatever can go wrong with what became of their messages."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story.days import HOUR_S, Days, begin
from tests.support.moved import control
from tests.support.server import serving
from tests.support.truth import assert_verified
from zalosync.compose.message import Cause, Status, message_id_text
from zalosync.ledger.dialect import SQLITE, sqlite_database
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.records import Recorded

pytestmark = [pytest.mark.crash, pytest.mark.usefixtures("loopback")]

APPLY = ("apply", "--auto-approve", "--quiet")
STORED, MERGED = "zalosync.refresh.inbox:Inbox.add", "zalosync.refresh.inbox:Inbox.done"
RECEIVED = "zalosync.refresh.inbox:Inbox.add_all"
DAY_S = 86_400
HALF_AN_HOUR_MS, SEVEN_HOURS_MS = 1_800_000, 25_200_000
LIFE = {
    "delay_median_ms": HALF_AN_HOUR_MS,
    "delay_max_ms": SEVEN_HOURS_MS,
    "validity_cap_ms": None,
    "log_lag_ms": HALF_AN_HOUR_MS,
    "logs_per_minute": 10,
    "check_first": 0,
    "check_share": 0,
    "intermediate_reports": True,
    "rules": [{"fate": "dnd", "share": 0.03}],
    "shares": {
        "no_account": 0.05,
        "expired": 0.04,
        "refused": 0.01,
        "provider_error": 0.01,
        "no_report": 0.02,
        "silent": 0.04,
    },
}
# Requests of the first campaign, by number: what is in doubt afterwards, and for how long.
LOST = (
    {"do": "accepted-then-reset", "on": ["send"], "requests": [3]},
    {"do": "reset-unaccepted", "on": ["send"], "requests": [5]},
    {"do": "partial-accept-then-500", "on": ["send"], "requests": [7], "with": {"share": 0.5}},
    {"do": "partial-accept", "on": ["send"], "requests": [9], "with": {"share": 0.5}},
)
BUSY = ({"do": "refuse-429", "on": ["send"], "times": 2, "with": {"retry_after": 40}},)
PAGES_LOST = (
    {"do": "accepted-then-reset", "on": ["reports"], "times": 1},
    {"do": "half-body", "on": ["reports"], "times": 1},
)
PAGES_MIXED = (
    {"do": "repeated-rows", "on": ["reports", "logs"]},
    {"do": "reversed-rows", "on": ["reports", "logs"]},
)


def three_days(days: Days, rows: int) -> None:
    """Live them."""
    days.write_people(rows * 2 // 3)
    days.faults(*LOST)
    for _ in range(4):  # a doubt may stop a run; the next one goes on with the others
        days.command(*APPLY)
    days.faults()
    days.hours(1)
    days.wrong = DAY_S
    days.refresh()
    days.wrong = -DAY_S
    days.refresh()
    days.wrong = 0
    days.refresh(die=STORED)  # the page it was handed out is gone
    days.refresh()
    days.write_reminder()
    days.subscribe(content_type="application/json")
    days.receive(die=(RECEIVED, 3))
    days.command(*APPLY)
    days.hours(1)
    days.stopped()
    days.faults(*PAGES_LOST)
    for _ in range(6):
        days.hours(1)
        days.refresh()
    days.receive()
    days.subscribe(content_type="application/xml")
    days.hours(4)
    days.faults(*PAGES_MIXED)
    days.refresh()
    days.hours(12)
    days.write_people(rows)
    days.faults(*BUSY, *PAGES_MIXED)
    days.wrong = -DAY_S
    days.command(*APPLY)
    days.wrong = 0
    days.hours(3)
    days.refresh(die=MERGED)  # the ledger has it, the inbox has it still
    days.refresh()
    for _ in range(5):
        days.hours(9)
        days.refresh("--logs")
    days.refresh("--logs", "--until-final")


@pytest.fixture
def life(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Days, int]]:
    """A project of so many rows, and its provider."""
    rows = request.param
    with serving(tmp_path / "server", LIFE) as server:
        days = begin(tmp_path / "shop", server, rows)
        try:
            yield days, rows
        finally:
            days.close()


def recorded(days: Days) -> dict[str, Recorded]:
    """Where each message stands in the ledger, by its id as the provider knows it."""
    path = days.shop.state / "here.db"
    reader = LedgerReader(sqlite_database(path, read_only=True), SQLITE, path.name)
    try:
        found = reader.by_message_ids([row[2] for row in reader.attempts()])
        return {message_id_text(message_id): record for message_id, record in found.items()}
    finally:
        reader.close()


def told(entry: dict[str, Any]) -> tuple[object, ...]:
    """What the ledger has to say of a message that the provider took."""
    last = {row["channel"]: row for row in entry["rows"] if row["final"]}
    zalo, sms = last["ZALO_NOTIFICATION_SERVICE"], last.get("SMS")
    arrived = sms is not None and sms["status"] == 5
    state = Status.DELIVERED if arrived else Status[entry["state"].upper()]
    ends = [(row["status"], row["error"], row["doneAt"]) for row in (zalo, sms) if row]
    return (state, *ends, *([(0, 0, None)] if sms is None else []))


def said(record: Recorded) -> tuple[object, ...]:
    """What it says."""
    return (
        record.state,
        (record.status_id, record.error_id, record.done_at),
        (record.sms_id, record.sms_error, record.sms_done_at),
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("life", [480], indirect=True)
def test_what_became_of_every_message(life: tuple[Days, int]) -> None:
    """Whatever was lost, late, doubled, killed: each message stands where the provider says, or in doubt."""
    judge(*life)


def test_nothing_more_can_come(tmp_path: Path) -> None:
    """`--until-final` ends where the provider has forgotten what it never told: those stay accepted."""
    with serving(tmp_path / "server", LIFE | {"rules": [{"fate": "silent"}]}) as server:
        days = begin(tmp_path / "shop", server, 40)
        days.command(*APPLY)
        control(server.base_url, "POST", "clock", {"advance_seconds": 60 * HOUR_S})
        days.refresh("--until-final", codes=(0,))
        assert {record.state for record in recorded(days).values()} == {Status.ACCEPTED}


@pytest.mark.nightly
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("life", [6_700], indirect=True)
def test_what_became_of_ten_thousand(life: tuple[Days, int]) -> None:
    """The same for ten thousand messages."""
    judge(*life)


def judge(days: Days, rows: int) -> None:
    """Live three days, then hold the ledger against the provider's own count, message by message."""
    three_days(days, rows)
    entries = {entry["messageId"]: entry for entry in days.server.messages()}
    records = recorded(days)
    assert len(records) == 2 * len(days.shop.valid)
    assert entries.keys() <= records.keys()
    assert {entry["accepted"] for entry in entries.values()} == {1}
    pairs = [(said(records[text]), told(entry)) for text, entry in entries.items()]
    wrong = [pair for pair in pairs if pair[0] != pair[1]]
    assert not wrong, (len(wrong), wrong[0])
    doubtful = [record for text, record in records.items() if text not in entries]
    assert {record.state for record in doubtful} == {Status.UNKNOWN}
    assert {record.cause for record in doubtful} == {Cause.NOANSWER, Cause.HTTP, Cause.MISSING}
    assert all(record.absent_at for record in doubtful), "asked about, and absent"
    totals = days.server.totals()
    script = (*LOST, *BUSY, *PAGES_LOST, *PAGES_MIXED)
    assert {name.partition("/")[0] for name in totals["faults"]} == {fault["do"] for fault in script}
    assert totals["pushed"] >= 3 * len(days.shop.valid), "each report is pushed three times"
    spent = sum((record.price or 0) + (record.sms_price or 0) for record in records.values())
    assert spent == round(totals["charged"]["amount"] * 1_000_000)
    status = days.command("status", "--json").json
    assert Counter(record.state.word for record in records.values()) == sum(
        (Counter(campaign["states"]) for campaign in status["campaigns"]), Counter()
    )
    assert_verified(days.shop.state / "here.db")
