"""Approvals as people give them: refused at once where they would not count, kept with their proof."""

import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.test_plan_scenarios import make_shop, planned, refused, sent, write_policy
from tests.support.command import Done, zalosync
from tests.support.shop import Shop
from zalosync.compose.message import Keys
from zalosync.ledger.home import Home, open_reader

pytestmark = pytest.mark.usefixtures("loopback")

BY_OTHERS = "  approvals:\n    - {above: 0, count: 1, notAuthor: true}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A project in Git, written by lan, whose plans somebody else must approve."""
    shop = make_shop(tmp_path / "shop", BY_OTHERS)
    commit(shop, "Lan Nguyễn", "lan@example.vn")
    return shop


def commit(shop: Shop, name: str, address: str) -> None:
    """Commit everything but local state."""
    (shop.root / ".gitignore").write_text(".zalosync/\n*.zsplan*\nkeys/\n", encoding="utf-8")
    by = ["-c", f"user.name={name}", "-c", f"user.email={address}"]
    for command in (["init", "-q"], ["add", "-A"], [*by, "commit", "-q", "-m", "campaign"]):
        subprocess.run(["git", "-C", str(shop.root), *command], check=True)


def approve(shop: Shop, name: str, *more: str, **environ: str) -> Done:
    """Approve the plan, on a machine of somebody else's."""
    given = {"ZALOSYNC_ACTOR": "desk", **environ}
    return zalosync(shop.root, "approve", "a.zsplan", "--as", name, *more, environ=given)


def test_an_author_s_approval_is_refused_at_once(shop: Shop) -> None:
    """By name, address or user, whatever of them is said: 3, and no line is written; another's counts."""
    planned(shop)
    for name, actor in (("Lan Nguyen", "desk"), ("LAN@example.vn", "desk"), ("Mai", "lan@example.vn")):
        refused(approve(shop, name, ZALOSYNC_ACTOR=actor), 3, "you are an author of a campaign", "ZS548")
    assert not (shop.root / "a.zsplan.approvals").exists()
    assert approve(shop, "mai@example.vn").code == 0
    assert zalosync(shop.root, "apply", "a.zsplan").code == 0
    assert sent(shop) == len(shop.valid)


def test_two_names_of_one_user_are_one_person(shop: Shop) -> None:
    """Who approves twice under two names has approved once: 3."""
    write_policy(shop, "  approvals:\n    - {above: 0, count: 2}\n")
    planned(shop)
    for name, warned in (("mai@example.vn", 0), ("Hoa", 1)):
        done = approve(shop, name)
        assert (done.code, done.err.count("ZS549")) == (0, warned), done.err
    refused(zalosync(shop.root, "apply", "a.zsplan"), 3, "needs 2 approvals and has 1", "of one person")
    assert approve(shop, "Hoa B", ZALOSYNC_ACTOR="hoa@example.vn").code == 0
    assert zalosync(shop.root, "apply", "a.zsplan").code == 0


def test_the_proof_of_a_signature_is_kept(shop: Shop) -> None:
    """The run's record has whose it is, the key's fingerprint and the signature's digest."""
    key = shop.root / "keys" / "mai"
    key.parent.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    allowed = f"mai@example.vn {key.with_suffix('.pub').read_text(encoding='ascii')}"
    (shop.root / "policies" / "signers").write_text(allowed, encoding="ascii")
    rules = "  approvals:\n    - {above: 0, signed: true}\n"
    write_policy(shop, f"{rules}  allowedSigners: signers\n")
    planned(shop)
    assert approve(shop, "mai@example.vn", "--sign", str(key)).code == 0
    assert approve(shop, "hoa@example.vn", "--sign", str(key)).code == 0, "nobody's, by the file of signers"
    assert zalosync(shop.root, "apply", "a.zsplan").code == 0
    keys = Keys(bytes.fromhex((shop.state / "key").read_text(encoding="ascii").strip()))
    reader = open_reader(Home(shop.root, "here", sandbox=True), keys)
    (run,) = reader.runs()
    reader.close()
    mai, hoa = run.started["approvals"]
    listed = subprocess.run(["ssh-keygen", "-l", "-f", str(key)], capture_output=True, check=True)
    fingerprint = listed.stdout.decode().split()[1]
    assert (mai["signed"], mai["principal"], mai["key"]) == (True, "mai@example.vn", fingerprint)
    assert mai["signature"].startswith("sha256:")
    assert (hoa["name"], hoa["signed"]) == ("hoa@example.vn", False)
    assert "principal" not in hoa
