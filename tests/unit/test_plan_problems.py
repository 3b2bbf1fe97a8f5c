"""What a plan says of specs that do not fit the files that they name: all of it, in one run."""

from pathlib import Path

import pytest

from tests.support.desk import Desk, phones
from zalosync.errors import SpecError


def test_the_problems_of_all_campaigns_come_at_once(tmp_path: Path) -> None:
    """An unknown column, a missing audience and a list with a row that is nobody, each with its place."""
    desk = Desk(tmp_path)
    desk.campaign("first", phones(2), text="{{ codes }}")
    desk.campaign("right", phones(2))
    desk.campaign("second", audience="where: \"{{ stat == 'x' }}\"\nexclude: [../audiences/stop.csv]\n")
    desk.write("audiences/stop.csv", "phone\nnobody\n")
    with pytest.raises(SpecError) as refused:
        desk.plan()
    told = [(each.code, str(each.place.file), each.place.line) for each in refused.value.problems]
    assert told == [
        ("ZS321", "audiences/stop.csv", 2),
        ("ZS355", "campaigns/first.yaml", 13),
        ("ZS101", "campaigns/second.yaml", 10),
    ]


def test_what_a_list_and_a_template_have_wrong_is_told_together(tmp_path: Path) -> None:
    """Of one campaign too: neither the list hides the column, nor the column the list."""
    desk = Desk(tmp_path)
    desk.campaign("only", phones(2), text="{{ codes }}", audience="exclude: [../audiences/none.csv]\n")
    with pytest.raises(SpecError) as refused:
        desk.plan()
    assert [each.code for each in refused.value.problems] == ["ZS101", "ZS355"]
