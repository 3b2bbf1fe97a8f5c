"""What is made from the models is checked in as it is made: the page of the language and the JSON Schemas."""

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from zalosync.spec.document import read_document
from zalosync.spec.outline import paths_of
from zalosync.spec.reference import reference_text
from zalosync.spec.schema import KINDS, file_name, json_schema, schema_text
from zalosync.spec.starter import starter_files

BAD_SPECS = Path(__file__).resolve().parent.parent / "golden" / "bad_specs"
# Bad specs that are right by their schema: what is wrong shows in their meaning, or in another file.
BEYOND = BAD_SPECS.parent / "beyond_a_schema.txt"


def checked_in(path: Path, text: str) -> None:
    """The file is what would be written now; `REWRITE_GOLDEN=1` writes it."""
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_checked_in(kind: str, repository: Path) -> None:
    """Editors read the files in `specs/schema`."""
    checked_in(repository / "specs" / "schema" / file_name(kind), schema_text(kind))


def test_the_page_of_the_language_is_checked_in(repository: Path) -> None:
    """The documentation lists what the models have."""
    checked_in(repository / "docs" / "spec-language.md", reference_text())


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_on_the_page(kind: str) -> None:
    """No key of the language without a row in a table."""
    page = reference_text()
    for key in paths_of(KINDS[kind]):
        assert f"| `{key}` |" in page or f"{key}?" in page or f"{{{key}, " in page, key


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one_and_has_no_null(kind: str) -> None:
    """Valid draft 7; null is allowed where it says something, and nowhere else."""
    schema = json_schema(kind)
    jsonschema.Draft7Validator.check_schema(schema)
    text = json.dumps({key: value for key, value in schema.items() if key != "$defs"})
    definitions = {
        name: json.dumps({key: value for key, value in each["properties"].items() if key != "reportsPath"})
        for name, each in schema.get("$defs", {}).items()
        if "properties" in each
    }
    assert all("null" not in each for each in (text.replace("or null", ""), *definitions.values()))


def documents(repository: Path) -> list[tuple[str, str, Any]]:
    """Every spec that is shipped or made by `init`: its kind, its name and what it holds."""
    texts = {
        str(path.relative_to(repository)): path.read_text(encoding="utf-8")
        for folder in ("specs", "examples/minimal")
        for path in sorted((repository / folder).rglob("*.yaml"))
    }
    texts.update({name: text for name, text in starter_files("shop").items() if name.endswith(".yaml")})
    found: list[tuple[str, str, Any]] = []
    for name, text in texts.items():
        value = read_document(text.encode(), name).value
        assert isinstance(value, dict)
        kind = value.get("kind")
        found.append((str(kind).lower() if kind else "prices", name, value))
    return found


def test_shipped_specs_fit_their_schema(repository: Path) -> None:
    """An editor has nothing to underline in what is right."""
    for kind, name, value in documents(repository):
        errors = list(jsonschema.Draft7Validator(json_schema(kind)).iter_errors(value))
        assert not errors, (name, errors)


def test_shipped_specs_name_their_schema(repository: Path) -> None:
    """The first line of each file of the example project points to a file that is there."""
    for path in sorted((repository / "specs").rglob("*.yaml")):
        match = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text(encoding="utf-8"))
        assert match is not None, path
        assert (path.parent / match[1]).is_file(), path


def kind_of(case: str) -> str:
    """The schema of a bad spec, by the beginning of its name."""
    first = case.partition("-")[0]
    return {"lock": "templates-lock"}.get(first, first)


def test_an_editor_sees_what_a_schema_can_tell() -> None:
    """Each bad spec that is YAML is wrong by its JSON Schema too, but for those of the list, to the name."""
    validators = {kind: jsonschema.Draft7Validator(json_schema(kind)) for kind in KINDS}
    passed: list[str] = []
    for path in sorted(BAD_SPECS.glob("*.yaml")):
        document = read_document(path.read_bytes(), path.stem)
        if (
            document.parsed
            and not document.problems
            and validators[kind_of(path.stem)].is_valid(document.value)
        ):
            passed.append(path.stem)
    checked_in(BEYOND, "\n".join(passed) + "\n")
    assert len(passed) < len(list(BAD_SPECS.glob("*.yaml"))) / 3
