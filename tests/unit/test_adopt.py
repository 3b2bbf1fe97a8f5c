"""What was sent before the ledger was there is marked as sent, and nothing goes out."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.support.desk import KEYS, Desk, phones
from tests.support.scripted import JumpingClock
from zalosync.apply import adopt as room
from zalosync.apply.adopt import NO_CONTENT, adopt
from zalosync.audit.verify import verify
from zalosync.compose.message import Cause, Identity, Status
from zalosync.plan.adopt import Attempts, build_adoption, every_first
from zalosync.plan.shape import Plan
from zalosync.spec.load import load_project

CODES = phones(30)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A campaign that was sent by other means."""
    made = Desk(tmp_path)
    made.campaign("tet", CODES)
    yield made
    assert verify(made.ledger).problems == ()
    made.ledger.close()


def planned(desk: Desk, attempts: Attempts = every_first) -> Plan:
    """What would be marked."""
    project = load_project(desk.root, environment=None, now=desk.now)
    return build_adoption(
        project,
        project.campaign("tet"),
        desk.ledger,
        KEYS,
        base_url="sandbox",
        files=None,
        attempts=attempts,
        now=desk.now,
        emit=desk.emitted.append,
    )


def marked(desk: Desk, attempts: Attempts = every_first) -> int:
    """Mark it."""
    with planned(desk, attempts) as plan:
        return adopt(
            desk.ledger, plan, KEYS, digest=plan.digest, who={"actor": "lan"}, clock=JumpingClock(desk.now)
        )


@pytest.mark.parametrize("part", [7, 5_000])
def test_everybody_is_marked_once(desk: Desk, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    """All are accepted, by a person's word, under the ids they would have had; a second time nobody is."""
    monkeypatch.setattr(room, "PART", part)
    assert marked(desk) == len(CODES)
    identity = Identity(KEYS, "tet", 1)
    found = list(desk.ledger.attempts())
    assert {row[2] for row in found} == {identity.message_id(row[1], 1) for row in found}
    assert {row[2] for row in found} == {identity.message_id(identity.message(code), 1) for code in CODES}
    assert {(row[10], row[14], bytes(row[6])) for row in found} == {
        (Status.ACCEPTED, Cause.ADOPTED, NO_CONTENT)
    }
    assert marked(desk) == 0
    *_, (run, again) = [desk.ledger.runs()]
    assert (run.command, run.started["actor"]) == ("adopt", "lan")
    assert run.ended is not None
    assert again.ended is not None
    assert (run.ended["consumed"], again.ended["totals"]["adopted"]) == (True, 0)
    with desk.plan() as plan:
        assert plan.to_send == 0


def test_only_those_that_are_known(desk: Desk) -> None:
    """Who is not known to have been sent to stays unmarked, and is sent to; attempts are those that were."""

    def every_other(messages: pl.DataFrame) -> pl.Series:
        return pl.Series([2 if n % 2 else None for n in range(messages.height)], dtype=pl.UInt64)

    assert marked(desk, every_other) == len(CODES) // 2
    assert {row[5] for row in desk.ledger.attempts()} == {2}
    with desk.plan() as plan:
        assert plan.to_send == len(CODES) // 2
