"""Every code of specs, audiences and templates is provoked: by a bad spec with its golden text, or here."""

import gzip
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.desk import PROJECT, Desk, phones
from tests.unit.workbooks import sheet, workbook
from zalosync.audience import excel
from zalosync.audience.limits import Limits
from zalosync.audience.read import open_audience
from zalosync.audience.source import Source
from zalosync.catalogue import audiences, specs
from zalosync.cli.main import main
from zalosync.compose.inspect import input_problems
from zalosync.errors import ZalosyncError
from zalosync.events import Warned
from zalosync.spec.load import load_project, survey_project
from zalosync.spec.project import resolve_base_url
from zalosync.spec.secret import SecretRef, resolve

BAD_SPECS = Path(__file__).resolve().parent.parent / "golden" / "bad_specs"
HEAD = "phone,code\n"
ROW = "0901234567,DH1\n"


def validated(desk: Desk) -> set[str]:
    """The codes of everything that `validate --rows` finds."""
    survey = survey_project(desk.root, environment=None, now=desk.now, offline=True)
    found = [*survey.problems, *input_problems(desk.root, survey, desk.now, rows=True)]
    return {problem.code for problem in found}


def raised(action: Callable[[], object]) -> set[str]:
    """The code of an error."""
    with pytest.raises(ZalosyncError) as caught:
        action()
    return {caught.value.code}


def of_audience(desk: Desk, content: str | bytes, name: str = "tet.csv") -> set[str]:
    """What is wrong with an audience of this content; `name` tells how it is read."""
    data = content if isinstance(content, bytes) else content.encode()
    (desk.root / "audiences" / name).write_bytes(data)
    spec = desk.root / "campaigns" / "tet.yaml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("../audiences/tet.csv", f"../audiences/{name}"), encoding="utf-8")
    return validated(desk)


def no_project(desk: Desk) -> set[str]:
    """A folder without the project file."""
    (desk.root / "zalosync.yaml").unlink()
    return raised(lambda: load_project(desk.root, environment=None, now=desk.now))


def too_large_a_spec(desk: Desk) -> set[str]:
    """One byte more than a spec may have."""
    desk.write("campaigns/tet.yaml", "#" * (2**20 + 1))
    return validated(desk)


def unopenable(desk: Desk) -> set[str]:
    """A name that no system opens."""
    desk.write("zalosync.yaml", PROJECT.replace("prices.yaml", "x" * 300))
    return validated(desk)


def too_many_values(desk: Desk) -> set[str]:
    """A list beyond all measure."""
    desk.write("campaigns/tet.yaml", f"apiVersion: zalosync/v1\na: [{'1, ' * 10_001}1]\n")
    return validated(desk)


def too_many_problems(desk: Desk) -> set[str]:
    """A file of nothing but keys that do not exist, beside what is said of the first of them."""
    lines = "".join(f"key{number}: 1\n" for number in range(300))
    desk.write("campaigns/tet.yaml", f"apiVersion: zalosync/v1\nkind: Campaign\n{lines}")
    return validated(desk) - {"ZS130", "ZS131"}


def foreign_host(desk: Desk) -> set[str]:
    """An address of somebody else, without the word of the process that sends."""
    desk.write("zalosync.yaml", PROJECT.replace("baseUrl: sandbox", "baseUrl: https://api.example.com"))
    project = load_project(desk.root, environment=None, now=desk.now)
    return raised(lambda: resolve_base_url(project.environment, {}, desk.root))


def secret_for_all(desk: Desk) -> set[str]:
    """A key's file that others may read."""
    desk.write("key", "made-up")
    (desk.root / "key").chmod(0o644)
    return raised(lambda: resolve(SecretRef(file="key"), {}, desk.root))


def other_columns(desk: Desk) -> set[str]:
    """Two files of one audience that do not agree."""
    desk.write("audiences/tet-1.csv", HEAD + ROW)
    desk.write("audiences/tet-2.csv", "phone,other\n" + ROW)
    spec = desk.root / "campaigns" / "tet.yaml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("audiences/tet.csv", "audiences/tet-*.csv"), encoding="utf-8")
    return validated(desk)


def changed_meanwhile(desk: Desk) -> set[str]:
    """A file that grows between its header and its rows."""
    path = desk.root / "audiences" / "tet.csv"
    with open_audience(desk.root, "audiences", ["tet.csv"]) as audience:
        path.write_text(HEAD + ROW * 2, encoding="utf-8")
        return raised(lambda: list(audience.chunks(10)))


def without_the_extra(desk: Desk) -> set[str]:
    """An Excel file where its library is not installed."""
    path = desk.root / "a.xlsx"
    path.write_bytes(workbook(sheet([["a"]])))
    with path.open("rb") as stream, pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "fastexcel", None)
        source = Source("a.xlsx", stream, path.stat())
        return raised(lambda: list(excel.parts(source, Limits(), print, print)))


def recognised(desk: Desk) -> set[str]:
    """An encoding that the file does not declare: worth a word, and no error."""
    data = (HEAD + "0901234567,Trần Thị Ngọc Bích\n").encode("utf-16-le")
    (desk.root / "audiences" / "tet.csv").write_bytes(data)
    desk.plan().stack.close()
    return {event.code for event in desk.emitted if isinstance(event, Warned)}


PROVOKED: dict[str, Callable[[Desk], set[str]]] = {
    "ZS100": no_project,
    "ZS106": too_large_a_spec,
    "ZS107": unopenable,
    "ZS118": too_many_values,
    "ZS126": too_many_problems,
    "ZS146": foreign_host,
    "ZS150": lambda desk: raised(lambda: resolve(SecretRef(env="NOBODY_SET_THIS"), {}, desk.root)),
    "ZS151": secret_for_all,
    "ZS221": lambda desk: raised(lambda: load_project(desk.root, environment="live", now=desk.now)),
    "ZS222": lambda desk: raised(
        lambda: load_project(desk.root, environment=None, now=desk.now).campaign("none")
    ),
    "ZS311": lambda desk: of_audience(desk, HEAD + ROW, "tet.doc"),
    "ZS312": lambda desk: of_audience(desk, "phone,phone\n" + ROW),
    "ZS313": other_columns,
    "ZS314": lambda desk: of_audience(desk, HEAD + "0901234567,DH1,more\n"),
    "ZS315": lambda desk: of_audience(desk, HEAD + '0901234567,"DH1\n'),
    "ZS316": lambda desk: of_audience(desk, (HEAD + "0901234567,L\u00ea\n").encode("cp1258")),
    "ZS317": lambda desk: of_audience(desk, HEAD + f"0901234567,{'x' * 5000}\n"),
    "ZS318": changed_meanwhile,
    "ZS319": lambda desk: of_audience(desk, gzip.compress((HEAD + ROW).encode())[:-9], "tet.csv.gz"),
    "ZS320": lambda desk: of_audience(desk, HEAD + "0901234567,DH\0\n"),
    "ZS322": lambda desk: of_audience(desk, '{"phone": "0901234567", "code": [1]}\n', "tet.jsonl"),
    "ZS323": without_the_extra,
    "ZS324": recognised,
}
# What commands alone say: their arguments, and a word of what is printed beside the code.
COMMANDS = {
    "ZS223": ["explain", "ZS000"],
    "ZS224": ["init", "--ci", "github"],
    "ZS227": ["init"],
}


def catalogue() -> set[str]:
    """The codes of specs, audiences and templates."""
    groups = [
        group
        for module in (specs, audiences)
        for name, group in vars(module).items()
        if name.isupper() and isinstance(group, tuple)
    ]
    return {entry.code for group in groups for entry in group}


def golden() -> set[str]:
    """The codes that a bad spec provokes, by its golden text."""
    texts = (path.read_text(encoding="utf-8") for path in BAD_SPECS.glob("*.txt"))
    return {code for text in texts for code in re.findall(r"^\S+: error (ZS[0-9]{3}): ", text, re.MULTILINE)}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project that is right."""
    desk = Desk(tmp_path)
    desk.campaign("tet", phones(2))
    assert validated(desk) == set()
    return desk


def test_no_code_is_in_the_catalogue_that_nothing_provokes() -> None:
    """Golden texts and the tables of this file have each of them; the tables only what golden has not."""
    assert catalogue() == golden() | PROVOKED.keys() | COMMANDS.keys()
    assert golden() & (PROVOKED.keys() | COMMANDS.keys()) == set()


@pytest.mark.parametrize("code", PROVOKED)
def test_a_code_is_provoked(code: str, desk: Desk) -> None:
    """The mistake is told by its code and by no other."""
    assert PROVOKED[code](desk) == {code}


@pytest.mark.parametrize("code", COMMANDS)
def test_a_command_ends_with_its_code(code: str, desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error: one line, with the code at its end."""
    with pytest.raises(SystemExit) as ended:
        main(["-C", str(desk.root), *COMMANDS[code]])
    assert ended.value.code == 64
    assert capsys.readouterr().err.endswith(f"[{code}]\n")
