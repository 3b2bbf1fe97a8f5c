"""What holds for the repository as a whole: the lock, who may print, where constants of one truth stand."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PINNED_EXTRAS = re.compile(r"^([a-z0-9.-]+)\[([a-z,]+)\]==", re.MULTILINE)
PRINTS = ("cli", "console", "sandbox")  # rooms that may write to the terminal


@pytest.fixture
def project(repository: Path) -> dict[str, Any]:
    """`pyproject.toml`."""
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture
def locked(repository: Path) -> dict[str, str]:
    """Version by name, of `requirements.lock`."""
    text = (repository / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+?)(?: ;.*)? \\$", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
    return dict(pins)


def modules(repository: Path) -> Iterator[tuple[str, ast.Module]]:
    """Each module of the package with its tree."""
    for path in sorted((repository / "zalosync").rglob("*.py")):
        yield str(path.relative_to(repository / "zalosync")), ast.parse(path.read_text(encoding="utf-8"))


def test_the_lock_satisfies_every_range(project: dict[str, Any], locked: dict[str, str]) -> None:
    """Each dependency of the package and of its extras that the lock is made of has a version in range."""
    extras = project["project"]["optional-dependencies"]
    wanted = project["project"]["dependencies"] + extras["dev"] + extras["excel"] + extras["postgres"]
    for requirement in map(Requirement, wanted + project["build-system"]["requires"]):
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(Version(version), prereleases=True), requirement


def test_every_dependency_is_used(repository: Path, project: dict[str, Any]) -> None:
    """What users must install and trust is imported somewhere; `tzdata` is data, read by Python itself."""
    imported = {
        name.split(".")[0]
        for _, tree in modules(repository)
        for node in ast.walk(tree)
        for name in _imported(node)
    }
    owners = packages_distributions()
    used = {canonicalize_name(owner) for name in imported for owner in owners.get(name, ())}
    wanted = {canonicalize_name(Requirement(line).name) for line in project["project"]["dependencies"]}
    unused = wanted - used
    assert unused == {"tzdata"}


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def test_the_lock_holds_names_and_hashes_only(repository: Path) -> None:
    """No address, path or option stands in it; every pin has its hashes, so that pip can insist on them."""
    lines = (repository / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pin = r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+( ; [^/]+)? \\"
    allowed = re.compile(pin + r"|#.*|    --hash=sha256:[0-9a-f]{64}( \\)?|    # .*")
    assert [line for line in lines if not allowed.fullmatch(line)] == []
    pins = [number for number, line in enumerate(lines) if "==" in line and not line.startswith((" ", "#"))]
    assert all("--hash=sha256:" in lines[number + 1] for number in pins)
    assert default_environment()["python_version"] >= "3.11"


def test_the_lock_names_the_extras_that_are_asked_for(repository: Path, locked: dict[str, str]) -> None:
    """Of a pin without the extra that is asked for, pip 23 takes the newest release instead, and stops."""
    text = (repository / "requirements.lock").read_text(encoding="utf-8")
    asked = {
        (canonicalize_name(requirement.name), extra)
        for name in locked
        if _installed(name)
        for line in distribution(name).requires or ()
        for requirement in [Requirement(line)]
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        for extra in requirement.extras
        if requirement.name in locked
    }
    assert ("coverage", "toml") in asked
    pins = {name: set(re.findall(r"[a-z]+", extras)) for name, extras in PINNED_EXTRAS.findall(text)}
    assert [pair for pair in asked if pair[1] not in pins.get(pair[0], ())] == []


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def test_every_extra_of_dev_is_in_the_lock_of_dev(project: dict[str, Any]) -> None:
    """Who develops has what users of the extras have, so that nothing optional goes untested."""
    extras = project["project"]["optional-dependencies"]
    assert set(extras["excel"]) <= set(extras["dev"])


def test_only_the_command_line_and_the_console_write_to_the_terminal(repository: Path) -> None:
    """No other room prints, echoes, or takes hold of the standard streams."""
    found = [
        f"{name}:{getattr(node, 'lineno', 0)}"
        for name, tree in modules(repository)
        if name.split("/")[0] not in PRINTS
        for node in ast.walk(tree)
        if _prints(node)
    ]
    assert found == []


def _prints(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("print", "input")
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return (node.value.id, node.attr) in {
            ("sys", "stdout"),
            ("sys", "stderr"),
            ("sys", "stdin"),
            ("click", "echo"),
        }
    return False


def test_every_package_and_module_says_what_it_is(repository: Path) -> None:
    """The first line of each module is a sentence about it; no module is called by what says nothing."""
    silent = [name for name, tree in modules(repository) if not ast.get_docstring(tree)]
    assert silent == []
    names = {Path(name).stem for name, _ in modules(repository)} | {
        path.name for path in (repository / "zalosync").iterdir()
    }
    assert not names & {"utils", "util", "helpers", "common", "manager", "base", "core", "service", "misc"}


def test_ci_runs_what_contributors_run(repository: Path) -> None:
    """`.ci/run` checks first and tests last, by the Makefile's own targets; its end is the tests' own."""
    lines = (repository / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "make" in line and not line.startswith("#")] == [
        "make check",
        "exec make test",
    ]
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test", "check", "bench", "lock", "clean"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    hooks = (repository / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    checks = re.search(r"^check: (.+)$", makefile, re.MULTILINE)
    assert checks is not None
    assert re.findall(r"make --no-print-directory (\S+)", hooks) == checks[1].split()


def test_versions_agree(repository: Path, project: dict[str, Any]) -> None:
    """The package says the version that its metadata says, and the changelog knows of it or of the next."""
    import zalosync

    assert project["project"]["version"] == zalosync.__version__
    changelog = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog
    assert "Apache License" in (repository / "LICENSE").read_text(encoding="utf-8")
