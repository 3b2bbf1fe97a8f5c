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


@pytest.fixture
def signers(shop: Shop) -> tuple[Path, Path]:
    """Keys of mai and hoa; a policy asks for one approval that is signed, with mai's."""
    keys = shop.root / "keys" / "mai", shop.root / "keys" / "hoa"
    keys[0].parent.mkdir()
    for key in keys:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    allowed = f"mai@example.vn {keys[0].with_suffix('.pub').read_text(encoding='ascii')}"
    (shop.root / "policies" / "signers").write_text(allowed, encoding="ascii")
    rules = "  approvals:\n    - {above: 0, signed: true}\n    - {above: 1, count: 2}\n"
    write_policy(shop, f"{rules}  allowedSigners: signers\n")
    return keys


def test_the_proof_of_a_signature_is_kept(shop: Shop, signers: tuple[Path, Path]) -> None:
    """The run's record has whose it is, the key's fingerprint and the signature's digest."""
    planned(shop)
    assert approve(shop, "mai@example.vn", "--sign", str(signers[0])).code == 0
    assert approve(shop, "hoa@example.vn", ZALOSYNC_ACTOR="hoa@example.vn").code == 0
    assert zalosync(shop.root, "apply", "a.zsplan").code == 0
    keys = Keys(bytes.fromhex((shop.state / "key").read_text(encoding="ascii").strip()))
    reader = open_reader(Home(shop.root, "here", sandbox=True), keys)
    (run,) = reader.runs()
    reader.close()
    mai, hoa = run.started["approvals"]
    listed = subprocess.run(["ssh-keygen", "-l", "-f", str(signers[0])], capture_output=True, check=True)
    fingerprint = listed.stdout.decode().split()[1]
    assert (mai["signed"], mai["principal"], mai["key"]) == (True, "mai@example.vn", fingerprint)
    assert mai["signature"].startswith("sha256:")
    assert (hoa["name"], hoa["signed"]) == ("hoa@example.vn", False)
    assert "principal" not in hoa


def test_a_signature_that_would_not_count_is_refused_at_once(shop: Shop, signers: tuple[Path, Path]) -> None:
    """By another key, for another name, or none where all are to be signed: 3; a good one counts."""
    rules = "  approvals:\n    - {above: 0, signed: true}\n"
    write_policy(shop, f"{rules}  allowedSigners: signers\n")
    planned(shop)
    mai, hoa = map(str, signers)
    refused(approve(shop, "mai@example.vn", "--sign", hoa), 3, "does not have the key", "ZS550")
    refused(approve(shop, "hoa@example.vn", "--sign", mai), 3, "for hoa@example.vn", "ZS550")
    refused(approve(shop, "mai@example.vn"), 3, "asks for a signature", "ZS550")
    assert not (shop.root / "a.zsplan.approvals").exists()
    assert approve(shop, "mai@example.vn", "--sign", mai).code == 0
    assert "nothing was added" in approve(shop, "mai@example.vn", "--sign", mai).out
    assert zalosync(shop.root, "apply", "a.zsplan").code == 0


def test_shown_is_what_approvals_are_missing(shop: Shop) -> None:
    """Also where the plan was made anew: what was said before does not count, and is shown as such."""
    planned(shop)
    shown = zalosync(shop.root, "show", "a.zsplan").out
    assert "can be applied, once it is approved: the plan needs 1 approval by somebody who is not" in shown
    assert approve(shop, "mai@example.vn").code == 0
    shown = zalosync(shop.root, "show", "a.zsplan").out
    assert "This plan can be applied\n" in shown
    later = zalosync(shop.root, "show", "--json", "a.zsplan").json["sealed"]
    assert (later["missing"], [each["older"] for each in later["approvals"]]) == ("", [False])


def test_without_a_file_nobody_can_have_approved(shop: Shop) -> None:
    """A policy's approvals are asked for however it is applied: 3 at a plain `apply`, and nothing is sent."""
    done = zalosync(shop.root, "apply", "--auto-approve")
    refused(done, 3, "the plan needs 1 approval", "only a sealed plan can have", "ZS541")
    assert sent(shop) == 0
    write_policy(shop, f"  approvals:\n    - {{above: {len(shop.valid)}, count: 1}}\n")
    assert zalosync(shop.root, "apply", "--auto-approve").code == 0
    assert sent(shop) == len(shop.valid)
