"""`zalosync render` as people use it: arguments in, output and exit code out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.support import command
from zalosync.cli.key_sizes import remember, sizes_path
from zalosync.infobip.keys import PublicKey

PROJECT = """\
apiVersion: zalosync/v1
kind: Project
metadata: {name: shop}
spec:
  specs: ["*.campaign.yaml"]
  defaultEnvironment: sandbox
  environments: {sandbox: {baseUrl: sandbox}}
  allowedWebhookHosts: [hooks.example.vn]
  prices: prices.yaml
"""
CAMPAIGN = """\
apiVersion: zalosync/v1
kind: Campaign
metadata: {name: hello}
spec:
  sender: "4097700000000000001"
  template: {name: 7, tag: TRANSACTION}
  audience: {path: people.csv, phone: phone}
  templateData: {name: "{{ name | title }}", order: "Đơn {{ order }}"}
  encrypted: true
  smsFailover: {sender: SHOP, text: "Don {{ order }} cua {{ name }}"}
  webhooks: {delivery: {url: "https://hooks.example.vn/{token}"}}
"""
PRICES = "currency: EUR\nzalo: {TRANSACTION: 0.012}\nsms: {perSegment: 0.03}\n"
PEOPLE = "phone,name,order\n0901234567,đặng ánh,DH-77\n09,lan,DH-78\n"
PERSONAL = ("0901234567", "84901234567", "234567", "Đặng", "Ánh", "ánh", "DH-77")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one campaign and two rows, the second without a phone."""
    for name, text in (
        ("zalosync.yaml", PROJECT),
        ("hello.campaign.yaml", CAMPAIGN),
        ("prices.yaml", PRICES),
        ("people.csv", PEOPLE),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def zalosync(project: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run `zalosync render hello` in a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "zalosync.cli.main", "render", "hello", "-C", str(project), *arguments],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environ},
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


CARD = """\
hello: template 7, TRANSACTION, encrypted, at most 446 bytes a value (RSA-4096)

╭─ row 1  people.csv:2  +84••••• ──────────────────────────────────────────────────────╮
│ name   •••• •••                                                                      │
│        8 characters, 12 bytes, 434 left                                              │
│ order  Đơn ••-••                                                                     │
│        9 characters, 11 bytes, 435 left                                              │
│                                                                                      │
│ SMS instead, in plain text: Don ••-•• cua •••• •••                                   │
│ UCS-2, 22 units, 1 segment, 0.030 EUR                                                │
│                                                                                      │
│ By Zalo: 0.012 EUR                                                                   │
╰──────────────────────────────────────────────────────────────────────────────────────╯
Masked; at a terminal of your own, --show-sensitive shows the texts.
"""


def test_a_card_is_masked(project: Path) -> None:
    """The default shows sizes, segments and prices, and nothing of the person; no file is written."""
    before = sorted(project.rglob("*"))
    done = zalosync(project)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == CARD
    assert sorted(project.rglob("*")) == before


def test_a_skipped_row_says_why(project: Path) -> None:
    """A row that is asked for by its number is explained."""
    done = zalosync(project, "--row", "2")
    assert done.returncode == 0
    assert "row 2  people.csv:3" in done.stdout
    assert "Skipped: invalid-phone" in done.stdout


def test_the_payload_is_the_request(project: Path) -> None:
    """The body is that of the wire, with values told by size, and neither token nor person in it."""
    done = zalosync(project, "--payload", "--json", "--key-bits", "2048")
    assert (done.returncode, done.stderr) == (0, "made the project's key: .zalosync/key\n")
    document = json.loads(done.stdout)
    (recipient,) = document["recipients"]
    (entry,) = recipient["payload"]["messages"]
    assert entry["content"] == {
        "type": "TEMPLATE",
        "templateName": 7,
        "templateData": {
            "name": "(12 bytes, encrypted to 344 characters)",
            "order": "(11 bytes, encrypted to 344 characters)",
        },
    }
    assert entry["options"]["encrypted"] is True
    assert entry["webhooks"]["delivery"]["url"] == "https://hooks.example.vn/{token}"
    assert entry["destinations"][0]["messageId"].startswith("zs1-")
    assert document["budget"] == 190
    assert document["masked"] is True


def test_the_size_of_the_key_that_was_seen_decides_what_fits(project: Path) -> None:
    """RSA-2048 was seen: `render` and `plan --preview` hold values against 190 bytes, unless told."""
    long = "ánh " * 40
    (project / "people.csv").write_text(f"phone,name,order\n0901234567,{long},DH-77\n", encoding="utf-8")

    def fits(*more: str) -> tuple[int, bool, int]:
        shown = command.zalosync(project, "render", "hello", "--row", "1", "--json", *more).json
        planned = command.zalosync(project, "plan", "--preview", "--json").json["totals"]
        (recipient,) = shown["recipients"]
        return shown["budget"], recipient["skipped"] is None, planned["send"]

    assert fits() == (446, True, 1)
    remember(sizes_path(project / ".zalosync", "sandbox"), {"4097700000000000001": PublicKey(b"", 2048)})
    assert fits() == (190, False, 0)
    assert fits("--key-bits", "4096") == (446, True, 0)


@pytest.mark.parametrize(
    "arguments", [(), ("--json",), ("--payload",), ("--payload", "--json"), ("--sample", "2")]
)
def test_nothing_personal_leaves(project: Path, arguments: tuple[str, ...]) -> None:
    """No spelling of the phone, no name, no value in any output that is not asked for at a terminal."""
    done = zalosync(project, *arguments)
    assert done.returncode == 0
    for personal in PERSONAL:
        assert personal not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (("--show-sensitive",), {}, "needs a terminal"),
        (("--show-sensitive",), {"CI": "true"}, "refused in CI"),
        (("--row", "1", "--sample", "2"), {}, "exclude each other"),
        (("--row", "3"), {}, "no row 3: it has 2"),
        (("--row", "0"), {}, "0 is not in the range"),
    ],
)
def test_what_is_refused(
    project: Path, arguments: tuple[str, ...], environ: dict[str, str], words: str
) -> None:
    """Usage errors exit 64 and say what to do."""
    done = zalosync(project, *arguments, **environ)
    assert done.returncode == 64
    assert words in done.stderr
    assert done.stdout == ""


def test_a_terminal_may_see(project: Path) -> None:
    """At a terminal the texts are shown where asked for, else a masked phone; in CI not even there."""
    command = [sys.executable, "-m", "zalosync.cli.main", "render", "hello", "-C", str(project)]

    def at_a_terminal(*arguments: str, **environ: str) -> tuple[str, int | None]:
        child = pexpect.spawn(
            command[0],
            [*command[1:], *arguments],
            env={**os.environ, "PYTHONIOENCODING": "utf-8", **environ},
            encoding="utf-8",
            timeout=60,
            dimensions=(60, 120),
        )
        text = child.read()
        child.close()
        return text, child.exitstatus

    text, code = at_a_terminal("--show-sensitive")
    assert code == 0
    assert "Đặng Ánh" in text
    assert "+84901234567" in text
    text, code = at_a_terminal()
    assert code == 0
    assert "+84•••••567" in text
    assert "Đặng" not in text
    text, code = at_a_terminal("--show-sensitive", CI="true")
    assert code == 64
    assert "Đặng" not in text
