"""What a campaign may not leave out, key by key."""

import re
from datetime import UTC, datetime

import pytest

from zalosync.errors import SpecError
from zalosync.spec.load import read_campaign

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
LEAST = """\
apiVersion: zalosync/v1
kind: Campaign
metadata:
  labels: {}
  name: shipped
spec:
  sender: "4097700000000000001"
  template:
    name: 322307
    tag: TRANSACTION
  audience:
    path: people.csv
    phone: phone
  templateData: {}
"""
REQUIRED = {
    "kind": "kind",
    "metadata.name": "  name: shipped",
    "spec.sender": "  sender",
    "spec.template.name": "    name: 322307",
    "spec.template.tag": "    tag",
    "spec.audience.path": "    path",
    "spec.audience.phone": "    phone",
    "spec.templateData": "  templateData",
}


def test_nothing_else_is_required() -> None:
    """The least campaign is one; a template may take no values at all."""
    assert read_campaign(LEAST, now=NOW).campaign.spec.template_data == {}


@pytest.mark.parametrize("path", REQUIRED)
def test_a_required_key_that_is_missing_is_named(path: str) -> None:
    """One problem, with the key that is missing and the place where it belongs."""
    text = re.sub(rf"^{REQUIRED[path]}.*\n", "", LEAST, count=1, flags=re.MULTILINE)
    assert text != LEAST
    with pytest.raises(SpecError) as refused:
        read_campaign(text, now=NOW)
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("ZS131", path)
    assert f"`{path.rpartition('.')[2]}` is missing" in problem.message


def test_a_file_without_a_version_is_none_of_ours() -> None:
    """What does not say `zalosync/v1` is not read as a spec, and not quoted."""
    with pytest.raises(SpecError) as refused:
        read_campaign(LEAST.partition("\n")[2], now=NOW)
    (problem,) = refused.value.problems
    assert (problem.code, problem.source) == ("ZS125", "")
