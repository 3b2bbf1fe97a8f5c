"""What a CI job may do with the project's key: nothing where strangers start it, nor from changes."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.command import Done, zalosync
from tests.support.shop import CAMPAIGN, Shop, write_shop
from zalosync.compose.message import Keys
from zalosync.plan.build import Known, build
from zalosync.plan.bundle import seal
from zalosync.plan.history import NoHistory
from zalosync.spec.load import load_project

ADDRESS = "https://abc123.api.infobip.com"
PULL_REQUEST = {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_EVENT_NAME": "pull_request"}
ADOPT = ("ledger", "adopt", "--campaign", CAMPAIGN, "--from-logs", "-o", "b.zsplan")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A project of an account, with its key, its ledger and a sealed plan."""
    shop = write_shop(tmp_path / "shop", 5, base_url=ADDRESS, encrypted=False)
    assert zalosync(shop.root, "ledger", "init").code == 0
    sealed(shop)
    return shop


def sealed(shop: Shop) -> None:
    """Seal what `plan -o` would, had the provider been asked."""
    keys = Keys(bytes.fromhex((shop.state / "key").read_text(encoding="ascii").strip()))
    now = datetime.now(UTC)
    project = load_project(shop.root, environment=None, now=now)
    plan = build(
        project,
        project.campaigns,
        NoHistory(),
        keys,
        base_url=ADDRESS,
        known=Known(),
        now=now,
        content=False,
        emit=lambda _: None,
    )
    with plan:
        seal(shop.root / "a.zsplan", plan, keys, {})


def files(shop: Shop) -> set[Path]:
    """What lies in the project and its state."""
    return {each for each in shop.root.rglob("*") if each.is_file()}


def refused(done: Done, code: str) -> None:
    """Exit 3, and one error that says why."""
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert (done.code, len(errors)) == (3, 1), done.err
    assert code in errors[0]


def test_a_job_that_strangers_can_start(shop: Shop) -> None:
    """No plan, no apply, no approval, no adoption, no ledger: 3, before any secret; nothing is written."""
    before = files(shop)
    for command in (
        ("plan", "-o", "b.zsplan"),
        ("apply", "a.zsplan"),
        ("apply", "--auto-approve"),
        ("approve", "a.zsplan", "--as", "mallory@example.vn"),
        ADOPT,
    ):
        refused(zalosync(shop.root, *command, environ=PULL_REQUEST), "ZS546")
    assert files(shop) == before
    for path in [shop.root / "zalosync.lock", shop.state / "here.db", shop.state / "key"]:
        path.unlink()
    refused(zalosync(shop.root, "ledger", "init", environ=PULL_REQUEST), "ZS546")
    assert not (shop.root / "zalosync.lock").exists()
    assert not (shop.state / "key").exists()


def test_such_a_job_may_rehearse(tmp_path: Path) -> None:
    """Nothing leaves the machine: the embedded sandbox is planned for in any job."""
    shop = write_shop(tmp_path / "shop", 5, encrypted=False)
    assert zalosync(shop.root, "plan", "-q", environ=PULL_REQUEST).code == 0


def test_a_checkout_with_changes(shop: Shop) -> None:
    """In CI nothing is sealed or approved that the commit does not hold: 3; a clean checkout does."""
    (shop.root / ".gitignore").write_text(".zalosync/\n*.zsplan*\n", encoding="utf-8")
    by = ["-c", "user.name=lan", "-c", "user.email=lan@example.vn"]
    for arguments in (["init", "-q"], ["add", "-A"], [*by, "commit", "-q", "-m", "campaign"]):
        subprocess.run(["git", "-C", str(shop.root), *arguments], check=True)
    campaign = shop.root / "campaigns" / f"{CAMPAIGN}.yaml"
    text = campaign.read_text(encoding="utf-8")
    campaign.write_text(f"{text}# a change\n", encoding="utf-8")
    approve = ("approve", "a.zsplan", "--as", "mai@example.vn")
    for command in (approve, ADOPT):
        refused(zalosync(shop.root, *command, environ={"CI": "true"}), "ZS547")
    assert not (shop.root / "a.zsplan.approvals").exists()
    campaign.write_text(text, encoding="utf-8")
    assert zalosync(shop.root, *approve, environ={"CI": "true"}).code == 0
