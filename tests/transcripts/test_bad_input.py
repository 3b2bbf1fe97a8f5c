"""Bad input as people meet it: one line that says what and the way out, the documented code, nothing lost."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import Done, environment, zalosync
from tests.support.server import Server, serving
from tests.support.shop import CAMPAIGN, Shop, write_shop

pytestmark = pytest.mark.usefixtures("loopback")

PEOPLE = "audiences/people.csv"
SPEC = f"campaigns/{CAMPAIGN}.yaml"
DEAD = "http://127.0.0.1:9"  # the discard port, where nothing listens
QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50, "check_first": 0, "check_share": 0}
ROWS = 400


def said(done: Done, code: int, *words: str) -> None:
    """One error, the words of what is wrong and of the way out, this exit code, and no trace of our code."""
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert (done.code, len(errors)) == (code, 1), done.err
    for word in words:
        assert word in errors[0], errors[0]
    assert "Traceback" not in done.err + done.out
    assert "internal error" not in done.err
    assert ".py" not in done.err


def write(shop: Shop, name: str, change: Callable[[str], str]) -> None:
    """Change a file of the project."""
    path = shop.root / name
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


FILES: list[tuple[str, Callable[[Shop], object], tuple[str, ...]]] = [
    ("a missing audience", lambda shop: (shop.root / PEOPLE).unlink(), (PEOPLE, "no such file", "ZS101")),
    (
        "a missing exclude list",
        lambda shop: (shop.root / "audiences/gone.csv").unlink(),
        ("audiences/gone.csv", "no such file", "ZS101"),
    ),
    ("an empty audience", lambda shop: (shop.root / PEOPLE).write_text(""), (PEOPLE, "empty", "ZS312")),
    (
        "a quote that never ends",
        lambda shop: write(shop, PEOPLE, lambda text: text + '0901234567,"lan,DH9,shipped,2026\n'),
        (f"{PEOPLE}:", "never closed", "ZS315"),
    ),
    (
        "bytes that are no text",
        lambda shop: (shop.root / PEOPLE).write_bytes(
            b"phone,name,code,status,consent\n\xff\x00\x81,a,b,c,d\n"
        ),
        (PEOPLE,),
    ),
    (
        "a column twice",
        lambda shop: write(shop, PEOPLE, lambda text: text.replace("phone,name", "name,name", 1)),
        (PEOPLE, "name"),
    ),
    (
        "a phone column that is not there",
        lambda shop: write(shop, SPEC, lambda text: text.replace("phone: phone", "phone: fone")),
        (SPEC, "no column `fone`", "did you mean `phone`?", "ZS355"),
    ),
    (
        "a template with an unknown column",
        lambda shop: write(shop, SPEC, lambda text: text.replace("{{ name | title }}", "{{ nmae }}")),
        (SPEC, "no column `nmae`", "did you mean `name`?", "ZS355"),
    ),
    (
        "an unknown key",
        lambda shop: write(shop, SPEC, lambda text: text.replace("  encrypted:", "  encryptd:")),
        (SPEC, "`encryptd`", "did you mean `encrypted`?", "ZS130"),
    ),
    (
        "YAML that is none",
        lambda shop: write(shop, SPEC, lambda text: text + "  - [\n"),
        (f"{SPEC}:",),
    ),
]


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve")], ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("spoil", "words"), [entry[1:] for entry in FILES], ids=[entry[0] for entry in FILES]
)
def test_files_that_are_wrong(
    tmp_path: Path, spoil: Callable[[Shop], object], words: tuple[str, ...], command: tuple[str, ...]
) -> None:
    """Specs and audiences that are wrong end with 65, file, line and column; no ledger gets a message."""
    shop = write_shop(tmp_path / "shop", 20)
    spoil(shop)
    said(zalosync(shop.root, *command), 65, *words)
    counted = zalosync(shop.root, "status", "--json")
    assert counted.code == 65 or counted.json["campaigns"] == []


def test_no_content_of_an_audience_is_quoted(tmp_path: Path) -> None:
    """A broken audience is named by file and line; what stands there is somebody's and never repeated."""
    shop = write_shop(tmp_path / "shop", 20)
    write(shop, PEOPLE, lambda text: text + '0987654321,"Bí Mật,DH-7,shipped,2026\n')
    for command in (["plan"], ["apply", "--auto-approve"], ["render", CAMPAIGN], ["validate"]):
        done = zalosync(shop.root, *command)
        assert done.code in ((65,) if command[0] != "validate" else (0, 65))  # it reads the columns only
        for secret in ("0987654321", "Bí Mật", "DH-7"):
            assert secret not in done.out + done.err


def test_where_there_is_no_project(tmp_path: Path) -> None:
    """Every command that needs a project says where it looked, and how to make one."""
    for command in ("plan", "apply", "refresh", "status", "history", "validate"):
        extra = ("--auto-approve",) if command == "apply" else ()
        said(zalosync(tmp_path, command, *extra), 64, "zalosync.yaml", "zalosync init")
    said(zalosync(tmp_path, "-C", "nowhere", "plan"), 64, "nowhere", "--project")


def test_a_command_that_would_ask_where_nobody_can_answer(tmp_path: Path) -> None:
    """Without a terminal apply needs --auto-approve, and says so before it does anything."""
    shop = write_shop(tmp_path / "shop", 20)
    said(zalosync(shop.root, "apply"), 64, "no terminal", "--auto-approve")
    assert not shop.state.exists()


@pytest.fixture
def outside(tmp_path: Path) -> Shop:
    """A project with a ledger whose server is dead."""
    shop = write_shop(tmp_path / "shop", ROWS, base_url=DEAD)
    assert zalosync(shop.root, "ledger", "init").code == 0
    return shop


def moved(shop: Shop, base_url: str) -> Shop:
    """The same project at another address."""
    write(shop, "zalosync.yaml", lambda text: text.replace(DEAD, base_url))
    return shop


def test_a_dead_server(outside: Shop) -> None:
    """A server that does not answer stops with 5, and nothing counts as sent."""
    environ = {"INFOBIP_API_KEY": "made-up"}
    said(zalosync(outside.root, "plan", environ=environ), 5, "127.0.0.1:9", "connection refused", "baseUrl")
    said(zalosync(outside.root, "apply", "--auto-approve", environ=environ), 5, "connection refused")
    assert zalosync(outside.root, "status", "--json").json["campaigns"] == []
    write(outside, SPEC, lambda text: text.replace("encrypted: true", "encrypted: false"))
    done = zalosync(outside.root, "apply", "--auto-approve", "--json", environ=environ)
    assert done.code == 5, done.err
    assert done.json["totals"]["not_sent"] == len(outside.valid)
    assert "cannot be reached" in done.json["reason"]


def test_a_bad_api_key(tmp_path: Path, outside: Shop) -> None:
    """A key that the provider refuses ends with 8 and never shows; a missing one ends with 64."""
    secret = "nobody-may-see-this"
    with serving(tmp_path / "server", QUICK) as server:
        shop = moved(outside, server.base_url)
        said(zalosync(shop.root, "plan"), 64, "INFOBIP_API_KEY", "is not set")
        refused = zalosync(shop.root, "plan", environ={"INFOBIP_API_KEY": secret})
        said(refused, 8, "401", "API key")
        applied = zalosync(shop.root, "apply", "--auto-approve", environ={"INFOBIP_API_KEY": secret})
        assert applied.code == 8
        assert secret not in refused.err + refused.out + applied.err + applied.out
        assert server.accepted() == 0
        assert zalosync(shop.root, "apply", "--auto-approve", environ=server.environ).code == 0
        assert server.accepted() == len(shop.valid)


def test_a_wrong_project_key(outside: Shop) -> None:
    """Another key would give old messages new ids: it is refused, with 7 where a ledger knows better."""
    environ = {"INFOBIP_API_KEY": "made-up", "ZALOSYNC_KEY": "ab" * 32}
    for command in (("plan",), ("status",), ("apply", "--auto-approve"), ("audit", "verify")):
        said(zalosync(outside.root, *command, environ=environ), 7, "another project key", "ZALOSYNC_KEY")
    said(zalosync(outside.root, "status", environ={"ZALOSYNC_KEY": "abc"}), 64, "64 hexadecimal")
    (outside.state / "key").chmod(0o644)
    said(zalosync(outside.root, "status"), 64, "others can read", "chmod 600")
    (outside.state / "key").unlink()
    said(zalosync(outside.root, "status"), 64, "no key", "ledger init")


def test_a_missing_ledger(outside: Shop) -> None:
    """A ledger that was there and is gone is never taken for an empty one; the way out is a copy."""
    ledger = outside.state / "here.db"
    commands = (("plan",), ("apply", "--auto-approve"), ("status",), ("audit", "report"), ("ledger", "init"))
    environ = {"INFOBIP_API_KEY": "made-up"}
    away = ledger.rename(ledger.with_name("away"))
    for command in commands:
        said(zalosync(outside.root, *command, environ=environ), 7, "is missing", "restore it")
        assert not ledger.exists()
    ledger.write_bytes(b"")
    said(zalosync(outside.root, "status"), 7, "not a zalosync ledger")
    ledger.write_bytes(away.read_bytes()[:20_000])
    said(zalosync(outside.root, "status"), 7, "cannot be read", "copy")
    ledger.unlink()
    away.rename(ledger)
    assert zalosync(outside.root, "status").code == 0
    (outside.root / "zalosync.lock").write_text("{", encoding="utf-8")
    said(zalosync(outside.root, "status"), 7, "zalosync.lock", "Git")


def test_a_ledger_that_was_never_made(tmp_path: Path) -> None:
    """A real environment without a ledger says how to make it, and makes none by itself."""
    shop = write_shop(tmp_path / "shop", 20, base_url=DEAD)
    environ = {"INFOBIP_API_KEY": "made-up", "ZALOSYNC_KEY": "ab" * 32}
    said(zalosync(shop.root, "plan", environ=environ), 7, "no ledger yet", "ledger init")
    assert not list(shop.state.glob("*.db"))


def limited(shop: Shop, size: int, *arguments: str, environ: dict[str, str]) -> Done:
    """Run a command that can make no file larger than `size` bytes: to it the disk is full."""
    done = subprocess.run(
        [sys.executable, "-m", "zalosync.cli.main", *arguments],
        cwd=shop.root,
        env=environment(environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )
    return Done(done.returncode, done.stdout, done.stderr)


def full(tmp_path: Path, outside: Shop, server: Server) -> Shop:
    """A project whose ledger has room for some batches and no more: gives it after that apply."""
    shop = moved(outside, server.base_url)
    size = (shop.state / "here.db").stat().st_size
    done = limited(shop, size + 40_000, "apply", "--auto-approve", environ=server.environ)
    said(done, 7, "here.db", "nothing of this step was stored", "run the command again")
    assert 0 < server.accepted() < len(shop.valid)
    assert not (tmp_path / "core").exists()
    return shop


def test_a_full_disk_loses_nothing(tmp_path: Path, outside: Shop) -> None:
    """A ledger without room stops with 7; with room again, refresh and apply end with each once."""
    with serving(tmp_path / "server", QUICK) as server:
        shop = full(tmp_path, outside, server)
        assert zalosync(shop.root, "refresh", "--logs", environ=server.environ).code == 0
        assert zalosync(shop.root, "apply", "--auto-approve", environ=server.environ).code == 0
        messages = server.messages()
        assert {message["accepted"] for message in messages} == {1}
        assert {message["to"] for message in messages} == set(shop.valid)
        assert zalosync(shop.root, "audit", "verify").code == 0


@pytest.mark.skipif(os.geteuid() != 0 and not Path("/dev/full").exists(), reason="there is no full device")
def test_a_report_without_room(tmp_path: Path, outside: Shop) -> None:
    """A report that cannot be written leaves no half page, and says where it could not go."""
    for place, words in (
        ("/dev/full/x.html", "no folder"),
        (str(tmp_path / "no/x.html"), "no folder"),
    ):
        done = zalosync(outside.root, "audit", "report", "--output", place)
        said(done, 64, place, words, "--output")
    limit = limited(outside, 1_000, "audit", "report", environ={})
    said(limit, 64, "report.html", "File too large")
    assert not list(outside.root.glob("*.html*"))


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("plan", "--skips"), PEOPLE),
        (("plan", "--output"), SPEC),
        (("plan", "--output"), ".zalosync/key"),
        (("plan", "--output"), "/dev/null"),
        (("plan", "--output"), "link.zsplan"),
        (("plan", "--output"), "no/a.zsplan"),
        (("plan", "--skips"), "skips.txt"),
        (("ledger", "adopt", "--campaign", CAMPAIGN, "--audience", PEOPLE, "--output"), PEOPLE),
        (("audit", "report", "--output"), SPEC),
    ],
)
def test_nobody_s_file_is_overwritten(outside: Shop, arguments: tuple[str, ...], place: str) -> None:
    """A place with anything but what such a command wrote before, or none: 64, and it is as it was."""
    (outside.root / "link.zsplan").symlink_to(PEOPLE)
    path = outside.root / place
    before = path.read_bytes() if path.is_file() else None
    said(
        zalosync(outside.root, *arguments, place), 64, place, arguments[-1] if "txt" not in place else ".csv"
    )
    assert before == (path.read_bytes() if path.is_file() else None)
    assert Path("/dev/null").is_char_device()
    assert not list(outside.root.rglob("*.new"))


def test_a_demo_without_room(tmp_path: Path, outside: Shop) -> None:
    """A demo that cannot be made leaves nothing behind."""
    done = limited(outside, 100_000, "demo", str(tmp_path / "demo"), environ={})
    said(done, 64, "the demo cannot be made", "another folder")
    assert not (tmp_path / "demo").exists()
    assert not (tmp_path / "demo.new").exists()


def test_a_sandbox_that_cannot_start(tmp_path: Path) -> None:
    """A port that is taken, a folder in use, and settings that are none: 64, and what to name instead."""
    with serving(tmp_path / "server") as server:
        port = server.base_url.rpartition(":")[2]
        taken = zalosync(tmp_path, "sandbox", "--port", port)
        said(taken, 64, f"port {port}", "in use", "--port")
        said(
            zalosync(tmp_path, "sandbox", "--port", "0", "--state", str(server.state)), 64, "another process"
        )
    said(zalosync(tmp_path, "sandbox", "--port", "0", "--state", "/proc/x"), 64, "/proc/x", "--state")
    (tmp_path / "settings.yaml").write_text("seeds: 4\n", encoding="utf-8")
    said(zalosync(tmp_path, "sandbox", "--port", "0", "--settings", "settings.yaml"), 64, "seeds")
    (tmp_path / "faults.yaml").write_text("faults: [{do: accepted-then-hang, on: logs}]\n", encoding="utf-8")
    wrong = zalosync(tmp_path, "sandbox", "--port", "0", "--faults", "faults.yaml")
    said(wrong, 64, "faults.yaml", "faults[0]", "never for logs", "docs/sandbox.md")
    (tmp_path / "settings.yaml").write_text("[1, 2\n", encoding="utf-8")
    said(zalosync(tmp_path, "sandbox", "--port", "0", "--settings", "settings.yaml"), 64, "settings.yaml")
