"""`zalosync doctor`: each thing that can be wrong with a set-up is said, with its mend and its exit code."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Done, zalosync
from tests.support.server import Server, serving
from tests.support.shop import Shop, write_shop

pytestmark = pytest.mark.usefixtures("loopback")
NAMES = ["machine", "project", "specs", "git", "key", "ledger", "api-key", "provider"]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A project whose provider listens nowhere yet, in a repository of its own, with its ledger."""
    shop = write_shop(tmp_path / "shop", 20, base_url="http://127.0.0.1:9")
    (shop.root / ".gitignore").write_text(".zalosync/\n", encoding="utf-8")
    assert zalosync(shop.root, "ledger", "init").code == 0
    git(shop, "init", "-q", ".")
    git(shop, "add", ".")
    return shop


def git(shop: Shop, *arguments: str) -> None:
    """Git in the project."""
    subprocess.run(["git", "-C", str(shop.root), *arguments], check=True, capture_output=True)


def examined(shop: Shop, *more: str, server: Server | None = None) -> tuple[Done, dict[str, dict[str, Any]]]:
    """What doctor says, by check."""
    done = zalosync(shop.root, "doctor", "--json", *more, environ=server.environ if server else {})
    checks = {check["name"]: check for check in done.json["checks"]}
    assert list(checks) == NAMES
    assert done.json["ok"] == (done.code == 0)
    assert all(check["fix"] for check in checks.values() if check["verdict"] in ("warning", "error"))
    return done, checks


def test_all_is_well(tmp_path: Path) -> None:
    """Against a provider that answers, with everything in its place: nothing is wrong, exit 0."""
    with serving(tmp_path / "server") as server:
        shop = write_shop(tmp_path / "shop", 20, base_url=server.base_url)
        (shop.root / ".gitignore").write_text(".zalosync/\n", encoding="utf-8")
        zalosync(shop.root, "ledger", "init")
        git(shop, "init", "-q", ".")
        git(shop, "add", ".")
        zalosync(shop.root, "templates", "pull", environ=server.environ)
        before = sorted(shop.root.rglob("*"))
        done, checks = examined(shop, server=server)
        said = zalosync(shop.root, "doctor", environ=server.environ)
    assert {check["verdict"] for check in checks.values()} == {"ok"}, checks
    assert (done.code, said.code) == (0, 0)
    assert said.out.endswith("nothing is wrong\n")
    assert server.api_key not in done.out + said.out
    assert sorted(shop.root.rglob("*")) == before


def test_no_api_key(shop: Shop) -> None:
    """A variable that is not set is named; what needs it is skipped."""
    done, checks = examined(shop)
    assert checks["api-key"]["verdict"] == "error"
    assert "INFOBIP_API_KEY" in checks["api-key"]["message"] + checks["api-key"]["fix"]
    assert checks["provider"]["verdict"] == "skipped"
    assert done.code == 64


def test_nobody_answers(shop: Shop) -> None:
    """A provider that cannot be reached exits as a run would that stopped early; offline it is not asked."""
    environ = {"INFOBIP_API_KEY": "made-up"}
    assert zalosync(shop.root, "doctor", environ=environ).code == 5
    offline = zalosync(shop.root, "doctor", "--offline", environ=environ)
    assert offline.code == 0, offline.out
    assert "was not asked" in offline.out


def test_a_wrong_api_key(tmp_path: Path) -> None:
    """A key that the provider refuses: 8."""
    with serving(tmp_path / "server") as server:
        shop = write_shop(tmp_path / "shop", 20, base_url=server.base_url)
        zalosync(shop.root, "ledger", "init")
        done = zalosync(shop.root, "doctor", environ={"INFOBIP_API_KEY": "another"})
    assert done.code == 8
    assert "XX  provider" in done.out


def test_no_project(tmp_path: Path) -> None:
    """Outside of a project everything that needs one is skipped, and the way to one is said."""
    done = zalosync(tmp_path, "doctor")
    assert done.code == 64
    assert "zalosync init" in done.out
    assert done.out.count("mend project first") == len(NAMES) - 2


def test_wrong_specs(shop: Shop) -> None:
    """Files with mistakes: how many, the first of them, and where all are shown: 65."""
    file = next((shop.root / "campaigns").glob("*.yaml"))
    file.write_text(file.read_text(encoding="utf-8").replace("sender:", "sendr:"), encoding="utf-8")
    done, checks = examined(shop)
    assert done.code == 65
    assert "zalosync validate" in checks["specs"]["fix"]
    assert checks["ledger"]["verdict"] == "skipped"


def test_secrets_in_git(shop: Shop) -> None:
    """A key that Git tracks, or would take along, is an error."""
    (shop.root / ".gitignore").unlink()
    _, loose = examined(shop)
    assert loose["git"]["verdict"] == "error"
    git(shop, "add", "-f", ".zalosync/key")
    _, tracked = examined(shop)
    assert "tracks" in tracked["git"]["message"]


def test_a_key_that_others_can_read(shop: Shop) -> None:
    """The key file's mode is looked at."""
    (shop.root / ".zalosync" / "key").chmod(0o644)
    done, checks = examined(shop)
    assert done.code == 64
    assert (checks["key"]["verdict"], checks["key"]["code"]) == ("error", "ZS611")


def test_ledger_lost(shop: Shop) -> None:
    """A pinned ledger that is gone: 7, before anything else."""
    (shop.root / ".zalosync" / "here.db").unlink()
    done, checks = examined(shop)
    assert done.code == 7
    assert checks["ledger"]["verdict"] == "error"


def test_a_ledger_that_was_never_made(shop: Shop) -> None:
    """A new environment is told how to get its ledger."""
    (shop.root / ".zalosync" / "here.db").unlink()
    (shop.root / "zalosync.lock").unlink()
    done, checks = examined(shop)
    assert done.code == 7
    assert "ledger init" in checks["ledger"]["fix"]


def test_in_ci_with_a_disk_of_its_own(shop: Shop) -> None:
    """A CI job's file ledger is refused here as apply would refuse it, but for a server on this machine."""
    text = (shop.root / "zalosync.yaml").read_text(encoding="utf-8")
    (shop.root / "zalosync.yaml").write_text(
        text.replace("http://127.0.0.1:9", "https://api.example"), encoding="utf-8"
    )
    done = zalosync(shop.root, "doctor", "--offline", environ={"CI": "true", "INFOBIP_API_KEY": "made-up"})
    assert done.code == 7
    assert "ledgerDurable" in done.out


def test_a_lock_file_that_is_not_in_git(shop: Shop) -> None:
    """What pins the ledger protects only where others see it."""
    git(shop, "rm", "-q", "--cached", "zalosync.lock")
    _, checks = examined(shop)
    assert checks["git"]["verdict"] == "warning"
    assert "git add zalosync.lock" in checks["git"]["fix"]


def test_a_proxy_that_is_none(shop: Shop) -> None:
    """The way to the provider is looked at too, and a password in it is not quoted."""
    environ = {"INFOBIP_API_KEY": "made-up", "ZALOSYNC_PROXY": "https://ann:canary@proxy.example"}
    done = zalosync(shop.root, "doctor", environ=environ)
    assert done.code == 64
    assert "ZALOSYNC_PROXY is not the address of an HTTP proxy" in done.out
    assert "canary" not in done.out + done.err
