"""The words for statuses and errors: there for each, and in agreement with the provider's lists."""

import csv
from pathlib import Path

import pytest

from zalosync.infobip import codes
from zalosync.infobip.codes import explain_error, explain_status
from zalosync.provider import STATUSES

# Flags of the provider that contradict the name of their own error, or forget that quotas are renewed.
OUR_JUDGEMENT = {628, 7026, 7082}
# Of other channels: voice, MMS, e-mail, push.
OTHER_CHANNELS = set(range(53, 100)) - {87}


def _rows(contract_dir: Path, name: str) -> list[dict[str, str]]:
    with (contract_dir / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.contract
def test_every_error_we_explain_is_published(contract_dir: Path) -> None:
    """Same numbers, and the same flag but where its name contradicts it."""
    flags: dict[int, set[bool]] = {}
    for row in _rows(contract_dir, "error-codes.csv"):
        flags.setdefault(int(row["id"]), set()).add(row["permanent"] == "true")
    for error_id, meaning in codes._ERRORS.items():
        assert error_id in flags
        agrees = meaning.permanent in flags[error_id]
        assert agrees is (error_id not in OUR_JUDGEMENT), error_id


@pytest.mark.contract
def test_every_chat_error_of_other_kinds_falls_back_to_its_group(contract_dir: Path) -> None:
    """Whatever the provider may say of a message, there are words for it."""
    for row in _rows(contract_dir, "error-codes.csv"):
        assert explain_error(int(row["id"]), row["group"]).words != codes._UNKNOWN_ERROR.words


@pytest.mark.contract
def test_every_status_that_a_message_can_have_is_explained(contract_dir: Path) -> None:
    """Each pair of the published list, but those of other channels, which fall back to their group."""
    for row in _rows(contract_dir, "status-codes.csv"):
        key = (int(row["group_id"]), int(row["id"]))
        assert (key in codes._STATUSES) is (key[1] not in OTHER_CHANNELS), key
        assert explain_status(*key).words


def test_every_status_we_judge_by_has_words() -> None:
    """The table of evidence and the table of words know the same statuses."""
    assert {key for key in STATUSES if key[1] not in OTHER_CHANNELS} == set(codes._STATUSES)


def test_the_unknown_has_words_too() -> None:
    """A number of tomorrow is shown, with what its group says."""
    assert explain_error(999_999, "OPERATOR_ERRORS").words == "the operator or the provider failed"
    assert explain_error(999_999).words == "an error that is in no public list"
    assert explain_status(5, 4711).words.startswith("refused")
    assert explain_status(12, 1).words == "a status that is in no public list"


@pytest.mark.parametrize(("group", "words"), [(4, "charged"), (5, "filter")])
def test_a_number_in_two_groups_is_told_apart(group: int, words: str) -> None:
    """87 is charged in one group and not in the other."""
    assert words in explain_status(group, 87).words


def test_what_may_have_arrived_is_never_advised_to_be_sent_again() -> None:
    """29 says only that no report came."""
    assert explain_status(4, 29).advice == "do not send it again"
