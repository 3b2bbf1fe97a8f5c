"""Audiences of all formats, looked into by worker processes: the same rows, errors with the same lines."""

import io
import pickle
from dataclasses import replace
from pathlib import Path

import orjson
import polars as pl
import pytest

from tests.support.desk import phones
from tests.support.programs import printed
from tests.unit.workbooks import sheet, workbook
from zalosync.audience.limits import Limits
from zalosync.audience.read import open_audience
from zalosync.compose import desired, pool
from zalosync.compose.desired import Desired
from zalosync.compose.recipe import Recipe
from zalosync.errors import Place, Problem, SpecError

RECIPE = Recipe("tet", 1, 322307, "phone", {"name": "{{ name }}"}, b"k" * 32)
ROWS = [(phone, f"Ánh {number}") for number, phone in enumerate(phones(60))]


def parquet() -> bytes:
    """The rows as a Parquet file with several row groups."""
    stream = io.BytesIO()
    pl.DataFrame(ROWS, schema=["phone", "name"], orient="row").write_parquet(stream, row_group_size=20)
    return stream.getvalue()


FILES: dict[str, str | bytes] = {
    "a.csv": "phone,name\n" + "".join(f'{phone},"{name}"\n' for phone, name in ROWS),
    "a.jsonl": "".join(orjson.dumps({"phone": p, "name": n}).decode() + "\n\n" for p, n in ROWS),
    "a.parquet": parquet(),
    "a.xlsx": workbook(sheet([["phone", "name"], *map(list, ROWS)])),
}


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small an audience is, two processes compose it."""
    monkeypatch.setattr(desired, "POOL_FROM_BYTES", 0)
    monkeypatch.setattr(desired, "WORKERS", 2)
    monkeypatch.setattr(pool, "WORKERS", 2)


def composed(root: Path, names: list[str], limits: Limits | None = None, lines: int = 7) -> pl.DataFrame:
    """The messages of an audience."""
    with (
        open_audience(root, "", names, limits=limits) as audience,
        Desired(RECIPE, audience.pieces(lines), size=1, on_duplicate="first") as found,
    ):
        found.gather(lambda _: None)
        return pl.concat(found.messages())


def write(root: Path, name: str, content: str | bytes) -> None:
    """A file of an audience."""
    (root / name).write_bytes(content.encode() if isinstance(content, str) else content)


def test_every_format(tmp_path: Path, workers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What other processes make of a file is what this one would, row numbers included."""
    for name, content in FILES.items():
        write(tmp_path, name, content)
        by_workers = composed(tmp_path, [name])
        with monkeypatch.context() as alone:
            alone.setattr(desired, "WORKERS", 1)
            assert by_workers.equals(composed(tmp_path, [name], lines=1000)), name
        assert sorted(by_workers["row"]) == list(range(len(ROWS)))


def test_rows_are_numbered_over_all_files(tmp_path: Path, workers: None) -> None:
    """The second file goes on where the first one ends."""
    for name in ("a.csv", "b.jsonl"):
        write(tmp_path, name, FILES[name.replace("b", "a")])
    messages = composed(tmp_path, ["a.csv", "b.jsonl"])
    assert sorted(messages["row"]) == list(range(len(ROWS))), "of equal keys the first one is kept"


@pytest.mark.parametrize(
    ("name", "broken", "said"),
    [
        ("a.csv", "0901,x,y\n", "a.csv:62:1: the record has not as many fields as the header"),
        ("a.jsonl", "[1]\n", "a.jsonl:121:1: the line is no JSON object"),
    ],
)
def test_errors_keep_their_lines(tmp_path: Path, workers: None, name: str, broken: str, said: str) -> None:
    """An error in a piece names the line of the file."""
    write(tmp_path, name, str(FILES[name]) + broken)
    with pytest.raises(SpecError) as refused:
        composed(tmp_path, [name])
    assert str(refused.value.problems[0]).startswith(said)


def test_too_many_rows(tmp_path: Path, workers: None) -> None:
    """The line of the first row beyond the limit, whoever counts; exactly so many are none too many."""
    for name, line in (("a.csv", 52), ("a.jsonl", 101), ("a.xlsx", 52)):
        write(tmp_path, name, FILES[name])
        with pytest.raises(SpecError, match=f"{name}:{line}:1: the audience has too many rows"):
            composed(tmp_path, [name], Limits(rows=50))
        assert composed(tmp_path, [name], Limits(rows=len(ROWS))).height == len(ROWS)


def test_errors_of_specs_come_out_of_processes() -> None:
    """With all of their problems."""
    one = Problem("ZS101", Place("a.yaml", 3, 7), "spec.x", "no such key")
    error = SpecError([one, replace(one, place=Place("a.yaml", 1, 1))])
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (again.problems, str(again), again.code) == (error.problems, str(error), error.code)


ASKED_MEANWHILE = """
import pickle, threading
import polars as pl
from tests.support.pieces import piece

made = piece(pl.DataFrame({"phone": ["84900000000"] * 1000}))
handing = threading.Thread(target=lambda: [pickle.dumps(made) for _ in range(20)])
handing.start()
while handing.is_alive():
    made.rows().get_column("phone")
print("both")
"""


def test_rows_can_be_asked_while_they_are_handed_over(tmp_path: Path) -> None:
    """By another thread; in a process of its own, as one that waits for itself ends no other way."""
    assert printed(tmp_path, ASKED_MEANWHILE) == "both\n"
