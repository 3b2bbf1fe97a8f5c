"""Plan, ledger and sandbox held against each other: what fits, and every way in which they do not."""

from typing import Any

import pytest

from zalosync.audit.agreement import Agreement, agreement

PLAN = {"audience": 100, "skipped": 20, "send": 0, "retry": 0, "unchanged": 75, "unknown": 5}
STATES = {"delivered": 70, "undeliverable": 5, "unknown": 5}
PROVIDER: dict[str, Any] = {
    "accepted": 77,
    "delivered": 66,
    "failover": {"delivered": 4},
    "decrypted": {"ok": 50, "failed": 0},
}


def compare(
    plan: dict[str, int] | None = None,
    states: dict[str, int] | None = None,
    provider: dict[str, Any] | None = None,
    taken: tuple[int, ...] = (1,) * 77,
) -> Agreement:
    """The counts above, with some of them changed."""
    return agreement(PLAN | (plan or {}), STATES | (states or {}), PROVIDER | (provider or {}), taken)


def test_counts_that_fit_agree() -> None:
    """Every row has its fate, and the sandbox took what the ledger says, some unknown ones perhaps."""
    found = compare()
    assert found.agree
    assert (found.rows, found.skipped, found.recorded, found.taken) == (100, 20, 80, 77)
    assert (found.unknown, found.twice, found.decrypted) == (5, 0, 50)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"plan": {"send": 3}}, "3 rows still wait"),
        ({"plan": {"retry": 1}}, "1 rows still wait"),
        ({"plan": {"skipped": 21}}, "the plan has 79 messages, the ledger 80"),
        ({"states": {"accepted": 1}}, "the plan has 80 messages, the ledger 81"),
        ({"provider": {"accepted": 74}}, "75 to 80 were taken, the sandbox took 74"),
        ({"provider": {"accepted": 81}}, "75 to 80 were taken, the sandbox took 81"),
        ({"states": {"unknown": 0, "undeliverable": 10}}, "says that 80 were taken, the sandbox took 77"),
        ({"taken": (1, 1, 2, 3)}, "2 messages were taken twice"),
        ({"provider": {"delivered": 60}}, "70 arrived, the sandbox 64"),
        ({"provider": {"decrypted": {"ok": 49, "failed": 1}}}, "1 encrypted values could not be read"),
    ],
)
def test_any_difference_is_named(changed: dict[str, Any], words: str) -> None:
    """One count that does not fit is enough to disagree, and the sentence says which."""
    found = compare(**changed)
    assert not found.agree
    assert words in "; ".join(found.differences)


def test_what_arrived_after_the_last_refresh_is_no_contradiction() -> None:
    """An SMS that arrived when the ledger had its message as expired differs from nothing."""
    assert compare(provider={"delivered": 70}).agree
