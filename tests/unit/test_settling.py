"""What campaigns say of messages whose fate cannot be proven, as the commands hear it."""

from pathlib import Path

from tests.support.desk import PROJECT, Desk, phones
from zalosync.cli.options import Options
from zalosync.cli.session import Session
from zalosync.cli.settling import giving_up, throttle_of
from zalosync.compose.message import Status
from zalosync.refresh.throttle import WINDOW_SECONDS


def test_only_campaigns_that_say_abandon_give_up(tmp_path: Path) -> None:
    """`onUnknown: abandon` is heard under the campaign's first name; hold, and silence, keep waiting."""
    desk = Desk(tmp_path)
    desk.campaign("silent", phones(1))
    desk.campaign("holds", phones(1), more="onUnknown: hold\n")
    desk.campaign("first", phones(1))
    desk.send(state=Status.UNKNOWN)
    (tmp_path / "campaigns" / "first.yaml").unlink()
    desk.campaign("second", phones(1), more="onUnknown: abandon\n", metadata="previousNames: [first]\n")
    session = Session(Options(project=tmp_path), {})
    assert giving_up(session, desk.ledger) == {desk.ledger.campaigns()["first"]}


def test_logs_are_asked_as_often_as_the_environment_says(tmp_path: Path) -> None:
    """`logsPerMinute` is the limit; it is shared by all commands of the environment."""
    desk = Desk(tmp_path)
    desk.write("zalosync.yaml", PROJECT.replace("batchSize: 100", "logsPerMinute: 2"))
    desk.campaign("any", phones(1))
    session = Session(Options(project=tmp_path), {})
    session.home.folder.mkdir()
    assert [throttle_of(session).take(desk.now) for _ in range(3)] == [0.0, 0.0, WINDOW_SECONDS]
