"""`zalosync demo` as a newcomer meets it: it ends well, goes on after a kill, and touches nobody's folder."""

import importlib.util
import signal
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import Running, cold, start, zalosync
from zalosync.sandbox import oracle
from zalosync.sandbox.store import FILE

pytestmark = [pytest.mark.usefixtures("loopback"), pytest.mark.timeout(600)]

ROWS = "400"
MANY = 8000  # four fifths of them become messages
STATE = Path(".zalosync") / "sandbox.sandbox"


def taken(folder: Path) -> list[int]:
    """How often the sandbox took each message, by its own count."""
    return [message["accepted"] for message in oracle.read_messages(folder / STATE)]


def taken_so_far(folder: Path) -> int:
    """How many messages the sandbox took, while it runs; 0 before it has a file."""
    path = folder / STATE / FILE
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM messages WHERE accepted = 1").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def sending(tmp_path: Path) -> Running:
    """A demo of many rows, in the folder `demo`, that has sent some of them and sends for seconds yet."""
    running = start(tmp_path, "demo", "demo", "--rows", str(MANY))
    until = time.monotonic() + 60
    while taken_so_far(tmp_path / "demo") < 100 and running.poll(0.02) is None:
        assert time.monotonic() < until, "nothing was sent"
    return running


def test_the_tour_runs_every_command_and_the_counts_agree(tmp_path: Path) -> None:
    """Each command is shown as it would be typed, at the end three counts are one; again sends nothing."""
    temporary = tmp_path / "my tmp"
    temporary.mkdir()
    done = cold(tmp_path, "demo", "--rows", ROWS, environ={"TMPDIR": str(temporary)})
    assert done.code == 0, done.err
    (folder,) = temporary.iterdir()
    lines = done.out.splitlines()
    assert [line for line in lines if line.startswith("$ ")] == [
        f"$ cd '{folder.relative_to(tmp_path)}'",
        "$ zalosync validate",
        "$ zalosync plan -o release.zsplan",
        "$ zalosync apply release.zsplan",
        "$ zalosync refresh --until-final",
        "$ zalosync status",
        "$ zalosync audit verify",
        "$ zalosync audit report --output report.html",
    ]
    assert "Plan, ledger and sandbox agree:" in lines
    assert set(taken(folder)) == {1}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "✓ history proven" in page
    assert f"{len(taken(folder)):,}" in page
    verdict = lines.index("Plan, ledger and sandbox agree:")
    ours = lines[: lines.index("$ zalosync validate")] + lines[verdict:]
    assert max(len(line) for line in ours if folder.name not in line) <= 80
    before = len(taken(folder))
    again = zalosync(tmp_path, "demo", str(folder), "--json")
    assert (again.code, again.json["taken"], len(taken(folder))) == (0, before, before)


def test_a_killed_demo_goes_on_and_nobody_gets_two(tmp_path: Path) -> None:
    """`kill -9` while it sends, then the same command: everybody valid got one, or is named unknown."""
    folder = tmp_path / "demo"
    killed = sending(tmp_path).kill()
    assert killed.code == -signal.SIGKILL
    assert 0 < len(taken(folder)) < 5000, "the kill came too late to be in the middle"
    done = zalosync(tmp_path, "demo", "demo", "--json")
    counts = done.json
    assert counts["agree"], counts["differences"]
    assert set(taken(folder)) == {1}
    assert counts["rows"] == counts["skipped"] + counts["recorded"] == MANY
    assert counts["recorded"] - counts["unknown"] <= counts["taken"] <= counts["recorded"]
    assert done.code == (6 if counts["unknown"] else 0), done.err


def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C while it sends writes down what is in flight, ends with 130, and names the command to go on."""
    folder = tmp_path / "demo"
    running = sending(tmp_path)
    running.send(signal.SIGINT)
    stopped = running.wait()
    assert stopped.code == 130, stopped.err
    assert stopped.out.splitlines()[-1] == "  zalosync demo demo"
    states = zalosync(folder, "status", "--json").json["campaigns"][0]["states"]
    assert set(states) <= {"accepted", "released"}
    assert states["accepted"] == len(taken(folder))


def test_a_folder_of_somebody_is_left_alone(tmp_path: Path) -> None:
    """A project that demo did not make is never applied, and no folder with files is filled."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "zalosync.yaml").write_text("apiVersion: zalosync/v1\n", encoding="utf-8")
    done = zalosync(tmp_path, "demo", "mine")
    assert done.code == 64
    assert "is not empty" in done.err
    assert [path.name for path in mine.iterdir()] == ["zalosync.yaml"]
    assert not (tmp_path / "mine.new").exists()


def test_the_number_of_rows_is_settled_when_the_demo_is_made(tmp_path: Path) -> None:
    """--rows on an earlier demo is refused rather than ignored; it is never more than there are."""
    (tmp_path / "demo" / ".zalosync").mkdir(parents=True)
    (tmp_path / "demo" / ".zalosync" / "demo").touch()
    done = zalosync(tmp_path, "demo", "demo", "--rows", "10")
    assert (done.code, "leave --rows out" in done.err) == (64, True)
    assert zalosync(tmp_path, "demo", "new", "--rows", "10001").code == 64


def test_a_temporary_demo_is_removed_where_asked(tmp_path: Path) -> None:
    """With --remove nothing stays behind, and the counts are told all the same."""
    done = zalosync(tmp_path, "demo", "--rows", "20", "--remove", "--json", environ={"TMPDIR": str(tmp_path)})
    assert done.code == 0, done.err
    assert done.json["agree"]
    assert list(tmp_path.iterdir()) == []


def test_the_wheel_ships_the_project_and_nothing_of_who_tried_it(repository: Path, tmp_path: Path) -> None:
    """A built wheel holds the demo's project, the report's page and the SQL, and no key or ledger."""
    assert importlib.util.find_spec("hatchling") is not None
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(repository)).build(directory=str(tmp_path), versions=["standard"])
    names = zipfile.ZipFile(wheel).namelist()
    specs = {
        str(path.relative_to(repository / "specs"))
        for path in (repository / "specs").rglob("*")
        if path.is_file() and not path.relative_to(repository / "specs").parts[0].startswith(".")
    }
    assert {f"zalosync/_specs/{name}" for name in specs} <= set(names)
    assert {
        "zalosync/audit/report.html",
        "zalosync/audit/report.css",
        "zalosync/ledger/sql/attempts.sql",
    } <= set(names)
    assert not [name for name in names if ".zalosync/" in name or name.endswith((".db", ".zsplan"))]
