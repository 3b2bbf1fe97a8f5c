"""How long each hostile input takes to be refused: all corpora of `tests/hostile`, case by case.

    python benchmarks/hostile.py [--json FILE]

The goal is 100 ms for each. Parquet and Excel files are read by a process of their own, whose start is most
of their time and is shown by itself; what is above the goal is listed, never averaged away.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.hostile import jinja_corpus
from tests.hostile.test_audience_files import ENDLESS, FOOTERS, PARQUET, WORKBOOKS, _footer
from tests.hostile.test_phones import LONG
from tests.hostile.test_yaml_files import BYTES, SHAPES, TEXTS
from tests.unit.test_safe_open import NAMES
from zalosync.audience.phone import normalise
from zalosync.audience.read import open_audience
from zalosync.compose.template import check
from zalosync.errors import SpecError
from zalosync.spec.document import MAX_BYTES, read_document
from zalosync.spec.model import Campaign
from zalosync.spec.safe_open import open_inside
from zalosync.spec.shape import shaped
from zalosync.spec.values import Reading

GOAL_MS = 100.0
Case = tuple[str, Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """What one corpus took, each case in milliseconds."""

    title: str
    times: dict[str, float]

    @property
    def over(self) -> dict[str, float]:
        """The cases above the goal, the slowest first."""
        slow = {name: took for name, took in self.times.items() if took > GOAL_MS}
        return dict(sorted(slow.items(), key=lambda item: -item[1]))

    @property
    def document(self) -> dict[str, object]:
        """The corpus in JSON."""
        name = max(self.times, key=self.times.__getitem__)
        return {
            "cases": len(self.times),
            "slowest": name,
            "slowest_ms": round(self.times[name], 1),
            "over_goal": {case: round(took, 1) for case, took in self.over.items()},
            "share_over_goal": round(len(self.over) / len(self.times), 4),
        }


def yaml_cases() -> Iterator[Case]:
    """Texts and bytes as specs, then as the shape that they claim."""
    everything = {name: text.encode("utf-8", "surrogatepass")[:MAX_BYTES] for name, text in TEXTS.items()}
    everything |= BYTES
    everything |= {f"shape: {name}": text.encode() for name, text in SHAPES.items()}
    for name, data in everything.items():

        def read(data: bytes = data) -> None:
            shaped(read_document(data, "case.yaml"), Campaign, Reading())

        yield name, read


def template_cases() -> Iterator[Case]:
    """Every payload, checked against the columns of an audience."""
    for number, payload in enumerate(jinja_corpus.CORPUS):
        yield (
            f"{number}: {payload[:40]!a}",
            lambda payload=payload: check(payload, jinja_corpus.COLUMNS),
        )


def audience_cases(root: Path) -> Iterator[Case]:
    """Files made to exhaust, workbooks and Parquet files that lie: read to their end, or to the refusal."""
    files = dict(ENDLESS)
    files["a small file that is right: the start of the reader's process"] = ("a.parquet", PARQUET)
    files |= {f"workbook: {name}": ("a.xlsx", make()) for name, make in WORKBOOKS.items()}
    files |= {f"footer: {name}": ("a.parquet", _footer(body)) for name, body in FOOTERS.items()}
    for number, (name, (file, content)) in enumerate(files.items()):
        folder = root / str(number)
        folder.mkdir()
        (folder / file).write_bytes(content)

        def read(folder: Path = folder, file: str = file) -> None:
            with open_audience(folder, "", [file]) as audience:
                for _ in audience.chunks(20_000):
                    pass

        yield name, read


def path_cases(root: Path) -> Iterator[Case]:
    """Names that leave the project or are no files; links, a pipe, a device, a second name."""
    project = root / "project"
    (project / "data").mkdir(parents=True)
    (root / "outside").mkdir()
    (root / "outside" / "secret.txt").write_text("secret\n")
    (project / "data" / "a.csv").write_text("phone\n")
    (project / "link.csv").symlink_to("data/a.csv")
    (project / "away").symlink_to(root / "outside")
    (project / "loop").symlink_to("loop")
    os.mkfifo(project / "pipe")
    os.link(root / "outside" / "secret.txt", project / "twin.csv")
    for name in [*(name for name, _ in NAMES), "link.csv", "away/secret.txt", "loop", "pipe", "twin.csv"]:
        yield ascii(name[:40]), lambda name=name: open_inside(project, name, max_bytes=1_000)


def phone_cases() -> Iterator[Case]:
    """The longest fields that a file may have, in three regions."""
    for name, spelling in LONG.items():
        for region in ("VN", "US", "DE"):
            yield f"{name} ({region})", lambda s=spelling, r=region: normalise(s, r)


def measured(title: str, cases: Iterator[Case]) -> Corpus:
    """Time each case once; what it raises is a refusal."""
    times: dict[str, float] = {}
    for name, run in cases:
        began = time.perf_counter()
        with suppress(SpecError):
            run()
        times[name] = (time.perf_counter() - began) * 1000
    return Corpus(title, times)


def measure() -> list[Corpus]:
    """All corpora."""
    normalise("0901234567")  # the library's tables are loaded once, by whichever comes first
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        return [
            measured("YAML", yaml_cases()),
            measured("templates", template_cases()),
            measured("audiences", audience_cases(root)),
            measured("paths", path_cases(root / "paths")),
            measured("phones", phone_cases()),
        ]


def main() -> None:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    corpora = measure()
    print(f"{'corpus':12}{'cases':>8}{'slowest ms':>12}{'over 100 ms':>13}  the slowest")
    for corpus in corpora:
        told = corpus.document
        share = f"{len(corpus.over)} ({told['share_over_goal']:.1%})"
        print(f"{corpus.title:12}{told['cases']:>8}{told['slowest_ms']:>12.1f}{share:>13}  {told['slowest']}")
    for corpus in corpora:
        for name, took in corpus.over.items():
            print(f"  over the goal: {corpus.title}, {name}: {took:,.0f} ms")
    if given.json:
        document = {"goal_ms": GOAL_MS, "hostile": {each.title: each.document for each in corpora}}
        given.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
