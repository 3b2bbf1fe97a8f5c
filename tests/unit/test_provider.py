"""What each status proves: held against the provider's published table, row by row."""

import csv
from pathlib import Path

import pytest

from zalosync.compose.message import FINAL, RANK, Status
from zalosync.provider import (
    DUPLICATE_MESSAGE_ID,
    EXPIRED_DLR_UNKNOWN,
    GROUP_BY_ID,
    HANDED_OVER,
    NO_GROUP,
    RETRIABLE,
    STATUSES,
    ProviderStatus,
    evidence_of,
    group_of,
    status_pairs,
)

# What a group says, where it says it for good.
ENDS = {
    "UNDELIVERABLE": Status.UNDELIVERABLE,
    "DELIVERED": Status.DELIVERED,
    "EXPIRED": Status.EXPIRED,
    "REJECTED": Status.REJECTED,
}


def published(contract_dir: Path) -> list[dict[str, str]]:
    """The rows of the published table."""
    with (contract_dir / "status-codes.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.contract
def test_the_published_table(contract_dir: Path) -> None:
    """Every published status is known under its group, and no other; final ones end, the others do not."""
    rows = published(contract_dir)
    pairs = {(int(row["group_id"]), int(row["id"])) for row in rows}
    assert pairs == STATUSES.keys()
    for row in rows:
        group, number = int(row["group_id"]), int(row["id"])
        assert GROUP_BY_ID[group] == row["group"]
        proven = STATUSES[group, number]
        if number == DUPLICATE_MESSAGE_ID:
            assert proven is Status.ACCEPTED
        elif row["final"] == "true":
            assert proven is ENDS[row["group"]], row["name"]
        else:
            assert proven is Status.ACCEPTED, row["name"]


@pytest.mark.contract
def test_what_may_be_retried(contract_dir: Path) -> None:
    """Failures that a campaign may name exist by that name, are final, and leave no doubt."""
    names = {(int(row["group_id"]), int(row["id"])): row["name"] for row in published(contract_dir)}
    for name, pair in RETRIABLE.items():
        assert names[pair] == name
        assert STATUSES[pair] in FINAL - {Status.DELIVERED}
        assert pair[1] not in (EXPIRED_DLR_UNKNOWN, DUPLICATE_MESSAGE_ID)
    assert status_pairs(["EXPIRED_EXPIRED", "REJECTED_FLOODING_FILTER"]) == {(4, 15), (5, 20)}
    with pytest.raises(KeyError):
        status_pairs(["EXPIRED_DLR_UNKNOWN"])


def test_neither_group_nor_id_alone() -> None:
    """The same id means two things in two groups; a known id in another group is unknown."""
    assert evidence_of(ProviderStatus(4, "EXPIRED", 87, "")) is Status.EXPIRED
    assert evidence_of(ProviderStatus(5, "REJECTED", 87, "")) is Status.REJECTED
    assert evidence_of(ProviderStatus(3, "DELIVERED", HANDED_OVER, "")) is Status.ACCEPTED
    assert evidence_of(ProviderStatus(1, "PENDING", 5, "")) is None
    assert evidence_of(ProviderStatus(3, "DELIVERED", 7, "")) is None
    assert evidence_of(ProviderStatus(0, "OK", 0, "")) is None


def test_rows_without_a_group() -> None:
    """Where a row names no group, an id of one group only has that one; an id of two proves nothing."""
    assert group_of(ProviderStatus(NO_GROUP, "", 5, "")) == 3
    assert evidence_of(ProviderStatus(NO_GROUP, "", 5, "")) is Status.DELIVERED
    assert group_of(ProviderStatus(NO_GROUP, "", 87, "")) == NO_GROUP
    assert evidence_of(ProviderStatus(NO_GROUP, "", 87, "")) is None
    assert group_of(ProviderStatus(NO_GROUP, "", 4711, "")) == NO_GROUP
    assert group_of(ProviderStatus(2, "UNDELIVERABLE", 5, "")) == 2


def test_evidence_ranks_above_doubt() -> None:
    """Whatever a status proves outranks an intent and an unknown."""
    assert min(RANK[state] for state in STATUSES.values()) > RANK[Status.UNKNOWN]
