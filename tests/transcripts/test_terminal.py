"""What commands do at a terminal, in a pipe, on a full disk, and in a Git work tree."""

import json
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.support.command import Done, environment, zalosync

COMMAND = (sys.executable, "-m", "zalosync.cli.main")
GIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.vn"}
GIT |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.vn"}

pytestmark = pytest.mark.usefixtures("loopback")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A new project, as `init` makes it."""
    assert zalosync(tmp_path, "-C", "shop", "init").code == 0
    return tmp_path / "shop"


def asked(shop: Path, *more: str) -> "pexpect.spawn[str]":
    """An apply at a terminal that waits for its answer."""
    arguments = [*COMMAND[1:], "apply", *more]
    child = pexpect.spawn(
        COMMAND[0], arguments, cwd=str(shop), env=environment({}), timeout=60, encoding="utf-8"
    )
    child.expect_exact("Only `yes` is a yes: ")
    return child


def test_ctrl_c_at_the_question(shop: Path) -> None:
    """Ctrl-C ends a command that waits for a yes at once, with 130, and nothing was sent."""
    child = asked(shop)
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "stopped by a signal" in child.before
    assert zalosync(shop, "--json", "history").json["runs"] == []


@pytest.mark.parametrize("answer", ["no", "y", "YES please"])
def test_anything_but_yes_is_a_no(shop: Path, answer: str) -> None:
    """What is not a yes sends nothing, says so and exits with 130."""
    child = asked(shop)
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "nothing was sent" in child.before


def test_whoever_wants_a_document_sees_what_is_asked(shop: Path) -> None:
    """The plan goes to standard error then; the answer no is a document, too."""
    child = asked(shop, "--json")
    assert "messages to send" in child.before
    child.sendline("no")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    answered = child.before[child.before.index("{") :]
    assert json.loads(answered[: answered.rindex("}") + 1])["error"]["exit_code"] == 130
    assert "nothing was sent" in answered


def piped(shop: Path, words: str) -> Done:
    """A shell's line with `zalosync` for the command; its code is the command's."""
    line = words.replace("zalosync", " ".join(COMMAND))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=shop,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("command", ["explain", "schema campaign", "plan"])
def test_a_reader_that_goes_away(shop: Path, command: str) -> None:
    """`| head -1` gets its line, and the command ends as if all had been read."""
    done = piped(shop, f"zalosync {command} | head -1")
    assert done.code == 0, done.err
    assert done.out.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("command", ["explain", "plan", "--json plan", "apply --auto-approve"])
def test_output_to_a_full_disk(shop: Path, command: str) -> None:
    """Results that cannot be written are said on stderr, with a documented code; what was done is done."""
    done = piped(shop, f"zalosync {command} >/dev/full")
    assert done.code == 5
    assert "the output cannot be written: No space left on device" in done.err
    assert "Exception ignored" not in done.err
    if command.startswith("apply"):
        (run,) = zalosync(shop, "--json", "history").json["runs"]
        assert run["exit_code"] == 0


def git(shop: Path, *arguments: str) -> None:
    """One git command."""
    subprocess.run(["git", *arguments], cwd=shop, env=environment(GIT), check=True, capture_output=True)


def test_changed_since(shop: Path) -> None:
    """Nothing changed is an empty plan; a changed audience names its campaign; no repository is said."""
    bare = zalosync(shop, "plan", "--changed-since", "HEAD")
    assert (bare.code, "no Git repository" in bare.err) == (64, True)
    git(shop, "init", "--quiet")
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "first")
    clean = zalosync(shop, "--json", "plan", "--changed-since", "HEAD")
    assert clean.code == 0, clean.err
    assert clean.json["campaigns"] == []
    audience = next((shop / "audiences").glob("*.csv"))
    audience.write_text(audience.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    changed = zalosync(shop, "--json", "plan", "--changed-since", "HEAD")
    assert [campaign["name"] for campaign in changed.json["campaigns"]] == ["welcome"]
    wrong = zalosync(shop, "plan", "--changed-since", "nowhere")
    assert (wrong.code, "no such revision" in wrong.err) == (64, True)


def test_a_key_that_is_made_is_said(shop: Path) -> None:
    """A rehearsal without a key makes one, and says so: another environment may need another."""
    (shop / ".zalosync" / "key").unlink(missing_ok=True)
    assert "made the project's key" in zalosync(shop, "plan").err
    assert "made the project's key" not in zalosync(shop, "plan").err
