"""To which hosts people's data may go: shown in every form of a plan; a change of the list is a finding."""

from pathlib import Path

import pytest

from tests.support.desk import Desk, found, phones
from zalosync.console.plan_html import plan_html
from zalosync.console.plan_markdown import plan_markdown
from zalosync.console.plan_text import plan_lines
from zalosync.console.planned import plan_document
from zalosync.spec.findings import Finding

HOSTS = ("hooks.example.vn", "clicks.example.vn", "go.example.vn")
TARGETS = """\
webhooks: {delivery: {url: "https://hooks.example.vn/zalo/{token}"}}
tracking:
  shortenUrl: true
  trackClicks: true
  trackingUrl: https://clicks.example.vn/in
  customDomain: go.example.vn
"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project with nothing in it."""
    return Desk(tmp_path)


def allow(desk: Desk, *names: str) -> None:
    """Write the list of hosts."""
    project = (desk.root / "zalosync.yaml").read_text(encoding="utf-8").partition("  allowedWebhookHosts")[0]
    desk.write("zalosync.yaml", f"{project}  allowedWebhookHosts: [{', '.join(names)}]\n")


def test_every_host_is_shown(desk: Desk) -> None:
    """Of reports, clicks and short links; never a path, which may hold a secret."""
    allow(desk, *HOSTS)
    desk.campaign("first", phones(1), more=TARGETS)
    with desk.plan() as plan:
        document = plan_document(plan)
    for shown in ("\n".join(plan_lines(document)), plan_markdown(document), plan_html(document)):
        assert all(host in shown for host in HOSTS)
        assert "/zalo" not in shown
        assert "{token}" not in shown
    desk.campaign("first", phones(1))
    with desk.plan() as plan:
        document = plan_document(plan)
    for shown in ("\n".join(plan_lines(document)), plan_markdown(document), plan_html(document)):
        assert not any(word in shown for word in (*HOSTS, "pushed", "clicks"))


def test_a_change_of_the_list_is_a_finding(desk: Desk) -> None:
    """Which came and which went since the last run; once a run has recorded the list it is the known one."""

    def changed(*names: str) -> Finding | None:
        allow(desk, *names)
        with desk.plan() as plan:
            return found(plan).get("webhook-hosts-changed")

    desk.campaign("first", phones(1))
    assert changed("hooks.example.vn") is None, "no run has said what it was before"
    allow(desk)
    desk.send("first")
    finding = changed("hooks.example.vn")
    assert finding is not None
    assert finding.message == "allowedWebhookHosts is not what it was in run run-1: hooks.example.vn is new"
    assert (finding.severity, finding.campaign, str(finding.place)) == ("warn", "", "zalosync.yaml:1:1")
    desk.campaign("second", phones(1))
    desk.send("second")
    assert changed("hooks.example.vn") is None
    assert changed("hooks.example.vn", "go.example.vn") is not None
    finding = changed("evil.example")
    assert finding is not None
    assert finding.message.endswith("evil.example is new, hooks.example.vn is gone")
    assert finding.count == 2
