"""From a document to a checked shape: every mismatch becomes a problem with its place and its mend.

The models say what is right; this module says it to people: where the value stands, what was found, what is
allowed, and what was probably meant. After a mismatch the wrong parts are left out and the rest is read
again, so that checks of meaning still run on what is right and nobody mends a file error by error.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from zalosync.errors import Place, Problem
from zalosync.spec.document import Document, Steps, Value, path_text
from zalosync.spec.values import Reading, Shape

ShapeT = TypeVar("ShapeT", bound=Shape)
Schema = Mapping[str, Any]

_MAY_BE_NULL = frozenset({"reportsPath"})
_SHOWN = 60  # characters of a found value
_OPTIONAL = 2  # a choice of two is a value or null
_SECRET_KEY = re.compile(r"(?i)(api[_-]?key|[a-z_-]*secret|[a-z_-]*token|passw[a-z]*|ledger|authorization)")
# A secret's key and a literal value after it, also within a mapping on one line.
_SECRET_VALUE = re.compile(
    r"""(?ix) \b
    ((?:api[_-]?key|[a-z_-]*secret|[a-z_-]*token|passw[a-z]*|ledger|authorization) ["']? \s* : \s+)
    (?! \{ \s* (?:env|file) \b | sqlite: ) (?: "[^"]*"? | '[^']*'? | [^,}\s]+ )"""
)
_USER_INFO = re.compile(r"//[^/@\s\"']+@")
_SHOWABLE = re.compile(r"""^\s*["']?apiVersion["']?\s*:\s*["']?zalosync/""")


@dataclass(frozen=True, slots=True)
class Shaped(Generic[ShapeT]):
    """What could be read of a document.

    Attributes:
        shape: the checked value; with problems, what is left of it without its wrong parts, or None.
        problems: every mismatch.
    """

    shape: ShapeT | None
    problems: tuple[Problem, ...]


def shaped(
    document: Document, model: type[ShapeT], context: Reading, *, trusted: bool = False
) -> Shaped[ShapeT]:
    """Check a document against a shape.

    Args:
        document: as read.
        model: the shape.
        context: what values may need to know of the project.
        trusted: whether the file's own name makes it one of ours, so that errors may show its lines; other
            files show them only where they say `apiVersion: zalosync/…`.
    """
    show = trusted or is_ours(document)
    problems = [with_source(problem, document, show=show) for problem in document.problems]
    if not document.parsed:
        return Shaped(None, tuple(problems))
    if not isinstance(document.value, dict):
        place = document.place(())
        message = "the file holds no mapping; it begins with `apiVersion: zalosync/v1`"
        problems.append(
            Problem(code="ZS132", place=place, path="", message=message, found=_kind(document.value))
        )
        return Shaped(None, tuple(problems))
    empties = list(_empty(document, model))
    data: Value = _without(document.value, [steps for steps, _ in empties])
    problems += [with_source(problem, document, show=show) for _, problem in empties]
    result: ShapeT | None = None
    try:
        result = _read(model, data, context)
    except ValidationError as error:
        wrong: list[Steps] = []
        missing: list[Steps] = []
        for detail in error.errors(include_url=False):
            if detail["type"] == "default_factory_not_called":
                continue
            steps, problem = _explained(detail, document, model)
            if steps in (steps_ for steps_, _ in empties):
                continue
            problems.append(with_source(problem, document, show=show))
            (missing if detail["type"] == "missing" else wrong).append(steps)
        result = _salvaged(model, data, wrong, missing, context)
    flagged = {problem.path for problem in problems}
    for steps, text in document.plain.items():
        if re.fullmatch(r"[-+]?0[0-9xo].*", text) and path_text(steps) not in flagged:
            place = document.place(steps)
            message = "a number is written in decimal digits without a leading zero"
            problem = Problem("ZS123", place, path_text(steps), message, found=f"`{text}`")
            problems.append(with_source(problem, document, show=show))
    return Shaped(result, tuple(problems))


def is_ours(document: Document) -> bool:
    """Whether the file says that it is one of this language, so that errors may quote its lines."""
    return any(_SHOWABLE.match(line) for line in document.lines[:200])


def with_source(problem: Problem, document: Document, *, show: bool) -> Problem:
    """The problem with its source line for the caret, unless the line may hold a secret."""
    line = document.source(problem.place.line)
    if not show or not line or problem.source or problem.code in {"ZS142", "ZS121", "ZS110"}:
        return problem
    return Problem(
        code=problem.code,
        place=problem.place,
        path=problem.path,
        message=problem.message,
        found=problem.found,
        allowed=problem.allowed,
        meant=problem.meant,
        source=_masked(line),
    )


def near(word: str, words: Sequence[str]) -> str:
    """The word that was probably meant, or nothing: first by letters alone, then by likeness."""
    plain = {re.sub(r"[-_ ]", "", candidate).lower(): candidate for candidate in words}
    exact = plain.get(re.sub(r"[-_ ]", "", word).lower())
    if exact is not None:
        return exact
    close = difflib.get_close_matches(word.lower(), [each.lower() for each in words], n=1, cutoff=0.6)
    return next((each for each in words if close and each.lower() == close[0]), "")


def _read(model: type[ShapeT], data: Value, context: Reading) -> ShapeT:
    return model.model_validate_json(json.dumps(data), context=context)


def _salvaged(
    model: type[ShapeT], data: Value, wrong: Sequence[Steps], missing: Sequence[Steps], context: Reading
) -> ShapeT | None:
    """What is left when the wrong parts are taken out and examples stand for what is required."""
    if not all(wrong):
        return None
    rest = _without(data, wrong)
    for steps in sorted({*wrong, *missing}, key=len):
        schema = _schema_at(model, steps)
        if steps[-1] in _schema_at(model, steps[:-1]).get("required", ()) and schema.get("examples"):
            _put(rest, steps, schema["examples"][0])
    try:
        return _read(model, rest, context)
    except ValidationError:
        return None


def _put(data: Value, steps: Steps, value: Value) -> None:
    parent = data
    for step in steps[:-1]:
        parent = parent.get(str(step)) if isinstance(parent, dict) else None
    if isinstance(parent, dict):
        parent.setdefault(str(steps[-1]), value)


def _without(data: Value, wrong: Sequence[Steps]) -> Value:
    if not wrong:
        return data
    copy: Value = json.loads(json.dumps(data))
    for steps in sorted(set(wrong), key=lambda each: (len(each), str(each)), reverse=True):
        parent = copy
        for step in steps[:-1]:
            if isinstance(parent, dict):
                parent = parent.get(str(step))
            elif isinstance(parent, list) and isinstance(step, int) and step < len(parent):
                parent = parent[step]
            else:
                parent = None
        if isinstance(parent, dict):
            parent.pop(str(steps[-1]), None)
        elif isinstance(parent, list) and isinstance(steps[-1], int) and steps[-1] < len(parent):
            parent.pop(steps[-1])
    return copy


def _empty(document: Document, model: type[Shape]) -> Iterator[tuple[Steps, Problem]]:
    """Keys without a value: YAML reads them as null, and a reader cannot tell what was meant."""
    for steps, text in document.plain.items():
        last = steps[-1] if steps else ""
        if (
            document.at(steps) is not None
            or last in _MAY_BE_NULL
            or not steps
            or str(last).endswith(" (again)")
        ):
            continue
        if isinstance(last, str) and last not in _allowed_keys(_schema_at(model, steps[:-1])):
            continue  # an unknown key is said to be unknown
        yield (
            steps,
            Problem(
                code="ZS124",
                place=document.place(steps, key=True),
                path=path_text(steps),
                message="there is no value; write one, or leave the key out",
                found=f"`{text}`" if text else "nothing",
            ),
        )


def _explained(detail: ErrorDetails, document: Document, model: type[Shape]) -> tuple[Steps, Problem]:
    steps: Steps = tuple(
        step for step in detail["loc"] if step not in {"value", "[key]"} or step in _known(document, detail)
    )
    kind, found = detail["type"], document.at(steps)
    path = path_text(steps)
    if kind == "missing":
        parent = steps[:-1]
        what = _described(_schema_at(model, steps))
        message = f"the required key `{steps[-1]}` is missing" + (f" ({what})" if what else "")
        return steps, Problem("ZS131", document.place(parent, key=True), path, message)
    if kind == "extra_forbidden":
        return steps, _unknown_key(steps, document, model)
    place = document.place(steps)
    if kind.startswith("ZS"):
        key = kind in {"ZS202", "ZS207", "ZS143"} and isinstance(found, dict)
        return steps, Problem(
            kind,
            document.place(steps, key=key),
            path,
            detail["msg"],
            found="" if kind == "ZS142" else _shown(found, steps),
        )
    code, message, allowed, meant = _builtin(kind, detail, found, steps, document, model)
    return steps, Problem(
        code, place, path, message, found=_shown(found, steps, document), allowed=allowed, meant=meant
    )


def _known(document: Document, detail: ErrorDetails) -> frozenset[str | int]:
    """The steps of an error that really stand in the file (`value` may be a template's parameter)."""
    return frozenset(detail["loc"]) if document.at(tuple(detail["loc"])) is not None else frozenset()


def _unknown_key(steps: Steps, document: Document, model: type[Shape]) -> Problem:
    key = str(steps[-1])
    allowed = _allowed_keys(_schema_at(model, steps[:-1]))
    elsewhere = [path for path in _paths_of(model).get(key, ()) if path != path_text(steps)]
    present = document.at(steps[:-1])
    free = [each for each in allowed if not (isinstance(present, dict) and each in present)]
    meant = near(key, free) or near(key, allowed)
    message = f"`{_printable(key)}` is not a key here"
    if elsewhere and not meant:
        message += f"; it belongs at `{elsewhere[0]}`"
    return Problem(
        code="ZS130",
        place=document.place(steps, key=True),
        path=path_text(steps),
        message=message,
        allowed=", ".join(allowed),
        meant=meant,
    )


def _builtin(
    kind: str, detail: ErrorDetails, found: Value, steps: Steps, document: Document, model: type[Shape]
) -> tuple[str, str, str, str]:
    """Code, message, allowed and near miss for pydantic's own kinds of errors."""
    context = detail.get("ctx", {})
    written = document.plain.get(steps)
    if kind == "string_type" and written is not None and not isinstance(found, (list, dict)):
        return "ZS133", f'YAML reads this as {_kind(found)}; write it in quotes: "{written}"', "a text", ""
    if kind in {"enum", "literal_error"}:
        choices = _choices(_schema_at(model, steps))
        meant = near(found, choices) if isinstance(found, str) else ""
        return "ZS134", "this is not one of the values that are allowed", ", ".join(choices), meant
    if kind in {"int_type", "int_from_float", "float_type", "bool_type", "decimal_type", "int_parsing"}:
        number = "bool" not in kind
        hint = ""
        if isinstance(found, str):
            hint = _unquoted_hint(found, number=number)
        wanted = ("a whole number" if kind.startswith("int") else "a number") if number else "true or false"
        return "ZS132", f"{wanted} belongs here{hint}", wanted, ""
    if kind in {"greater_than_equal", "less_than_equal", "greater_than", "less_than"}:
        return (
            "ZS135",
            "the number is out of range",
            _described(_schema_at(model, steps)) or _range(context),
            "",
        )
    if kind in {"string_too_short", "string_too_long"}:
        length = len(found) if isinstance(found, str) else 0
        limit = (
            f"at least {context.get('min_length')}"
            if "min_length" in context
            else f"at most {context.get('max_length'):,}"
        )
        return "ZS136", f"the text has {length:,} characters", f"{limit} characters", ""
    if kind in {"too_short", "too_long"}:
        limit = (
            f"at least {context.get('min_length')}"
            if "min_length" in context
            else f"at most {context.get('max_length')}"
        )
        return "ZS141", f"there are {context.get('actual_length')} entries", f"{limit}", ""
    if kind == "string_pattern_mismatch":
        return (
            "ZS136",
            "the text does not have the form that is needed",
            _described(_schema_at(model, steps)),
            "",
        )
    if kind in {"model_type", "dict_type", "dataclass_type", "model_attributes_type"}:
        keys = ", ".join(_allowed_keys(_schema_at(model, steps)))
        return "ZS132", "a mapping (`key: value` lines) belongs here", keys or "a mapping", ""
    if kind in {"tuple_type", "list_type"}:
        return "ZS132", "a list belongs here: [a, b], or lines that begin with `- `", "a list", ""
    if kind == "string_type":
        return "ZS132", "a text belongs here", "a text", ""
    return "ZS132", detail["msg"][0].lower() + detail["msg"][1:], "", ""


def _unquoted_hint(found: str, *, number: bool) -> str:
    if number and re.fullmatch(r"[0-9]+", found):
        return "; leave the quotes out"
    if not number and found.lower() in {"yes", "no", "on", "off", "true", "false", "y", "n"}:
        word = "true" if found.lower() in {"yes", "on", "true", "y"} else "false"
        return f"; write {word} without quotes"
    return ""


def _range(context: Mapping[str, Any]) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    return ", ".join(f"{words[name]} {value:,}" for name, value in context.items() if name in words)


def _kind(value: Value) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    return {str: "a text", list: "a list", dict: "a mapping"}[type(value)]


def _shown(value: Value, steps: Steps, document: Document | None = None) -> str:
    """What was found, short and printable; never what may be a secret."""
    if any(isinstance(step, str) and _SECRET_KEY.fullmatch(step) for step in steps):
        return _kind(value)
    if isinstance(value, (dict, list)) or value is None:
        return _kind(value)
    written = document.plain.get(steps) if document is not None else None
    text = written if written is not None else (value if isinstance(value, str) else json.dumps(value))
    text = _USER_INFO.sub("//…@", _printable(text))
    return f"`{text[:_SHOWN]}…`" if len(text) > _SHOWN else f"`{text}`"


def _masked(line: str) -> str:
    """A source line as it may be shown: no literal secret, no user of a URL, nothing invisible."""
    return _USER_INFO.sub("//…@", _SECRET_VALUE.sub(r"\1…", _printable(line.rstrip("\r"))))


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in text)


@cache
def _schema(model: type[Shape]) -> Schema:
    return model.model_json_schema(by_alias=True)


def _resolved(model: type[Shape], schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = {
            **_schema(model)["$defs"][schema["$ref"].rpartition("/")[2]],
            **{k: v for k, v in schema.items() if k != "$ref"},
        }
    if "anyOf" in schema:
        for choice in schema["anyOf"]:
            inner = _resolved(model, choice)
            if inner.get("type") != "null" and (
                "properties" in inner
                or "enum" in inner
                or "additionalProperties" in inner
                or len(schema["anyOf"]) <= _OPTIONAL
            ):
                return {**inner, **{k: v for k, v in schema.items() if k in {"description", "examples"}}}
    return schema


def _schema_at(model: type[Shape], steps: Steps) -> Schema:
    """The JSON Schema of the value at these steps; empty where the language knows none."""
    here = _resolved(model, _schema(model))
    for step in steps:
        if isinstance(step, int):
            here = here.get("items", {})
        else:
            extra = here.get("additionalProperties")
            here = here.get("properties", {}).get(step, extra if isinstance(extra, dict) else {})
        here = _resolved(model, here)
    return here


def _allowed_keys(schema: Schema) -> tuple[str, ...]:
    return tuple(schema.get("properties", ()))


def _choices(schema: Schema) -> tuple[str, ...]:
    if "const" in schema:
        return (str(schema["const"]),)
    return tuple(str(choice) for choice in schema.get("enum", ()))


def _described(schema: Schema) -> str:
    """What may stand here, in words, from the schema's limits."""
    if choices := _choices(schema):
        return ", ".join(choices)
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    if low is not None:
        return f"at least {low:,}"
    if high is not None:
        return f"at most {high:,}"
    return str(schema.get("description", ""))


@cache
def _paths_of(model: type[Shape]) -> Mapping[str, tuple[str, ...]]:
    """Every key of the language → the paths where it stands."""
    found: dict[str, list[str]] = {}

    def walk(schema: Schema, path: str) -> None:
        for key, inner in _resolved(model, schema).get("properties", {}).items():
            here = f"{path}.{key}" if path else key
            found.setdefault(key, []).append(here)
            walk(inner, here)

    walk(_schema(model), "")
    return {key: tuple(paths) for key, paths in found.items()}


def place_of(document: Document, path: str | Steps) -> Place:
    """Where a path such as `spec.audience.path[0]` stands in its file."""
    return document.place(parse_path(path) if isinstance(path, str) else path)


def parse_path(path: str) -> Steps:
    """The steps of a path as `path_text` writes it."""
    steps: list[str | int] = []
    for quoted, index, plain in re.findall(r'\["([^"]*)"\]|\[([0-9]+)\]|([^.\[]+)', path):
        steps.append(int(index) if index else quoted or plain)
    return tuple(steps)
