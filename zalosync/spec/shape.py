"""From a document to a checked shape: every mismatch becomes a problem with its place and its mend.

After a mismatch the wrong parts are left out and the rest is read again, so that checks of meaning still run
on what is right and nobody mends a file error by error.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from zalosync.errors import Place, Problem
from zalosync.spec.document import AGAIN, Document, Steps, Value, path_text
from zalosync.spec.mismatch import explained, steps_of
from zalosync.spec.outline import MAY_BE_NULL, schema_at
from zalosync.spec.shown import is_ours, kind_of, with_source
from zalosync.spec.values import Reading, Shape

ShapeT = TypeVar("ShapeT", bound=Shape)

MAX_PROBLEMS = 200  # told of one file; the rest is counted
_ODD_NUMBER = re.compile(r"[-+]?0[0-9xo].*")


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
    if not show and document.lines and (document.parsed or document.problems):
        return Shaped(None, (_foreign(document),))
    problems = [with_source(problem, document, show=show) for problem in document.problems]
    if not document.parsed:
        return Shaped(None, tuple(problems))
    if not isinstance(document.value, dict):
        place = document.place(())
        message = "the file holds no mapping (`key: value` lines)"
        problems.append(
            Problem(code="ZS132", place=place, path="", message=message, found=kind_of(document.value))
        )
        return Shaped(None, tuple(problems))
    empties = list(_empty(document, model))
    data: Value = _without(document.value, [steps for steps, _ in empties]) if empties else document.value
    problems += [with_source(problem, document, show=show) for _, problem in empties]
    said = {problem.place for problem in problems}
    result: ShapeT | None = None
    untold = 0
    try:
        result = _read(model, data, context)
    except ValidationError as error:
        mismatches = _mismatches(error, document, said)
        for _, detail in mismatches[:MAX_PROBLEMS]:
            _, problem = explained(detail, document, model)
            problems.append(with_source(problem, document, show=show))
        untold = max(0, len(mismatches) - MAX_PROBLEMS)
        missing = [steps for steps, detail in mismatches if detail["type"] == "missing"]
        wrong = [steps for steps, detail in mismatches if detail["type"] != "missing"]
        result = _salvaged(model, data, wrong, missing, context)
    flagged = {problem.path for problem in problems}
    for steps, text in document.plain.items():
        if _ODD_NUMBER.fullmatch(text) and path_text(steps) not in flagged:
            place = document.place(steps)
            message = "a number is written in decimal digits without a leading zero"
            problem = Problem("ZS123", place, path_text(steps), message, found=f"`{text}`")
            problems.append(with_source(problem, document, show=show))
    return Shaped(result, _told(problems, document, untold))


def _mismatches(
    error: ValidationError, document: Document, said: set[Place]
) -> list[tuple[Steps, ErrorDetails]]:
    """What does not fit and was not said yet, with the steps to it, in the order of the file."""
    found: list[tuple[Steps, ErrorDetails]] = []
    for detail in error.errors(include_url=False):
        if detail["type"] != "default_factory_not_called":
            steps = steps_of(detail, document)
            if not _is_said(detail, steps, document, said):
                found.append((steps, detail))
    return sorted(found, key=lambda each: document.place(each[0], key=True))


def _told(problems: list[Problem], document: Document, untold: int) -> tuple[Problem, ...]:
    """As many problems as somebody will read, and how many more there are."""
    rest = len(problems) + untold - MAX_PROBLEMS
    if rest <= 0:
        return tuple(problems)
    kept = sorted(problems, key=lambda problem: problem.place)[:MAX_PROBLEMS]
    message = f"this file has {rest:,} more problems; mend the first ones and run again"
    return (*kept, Problem("ZS126", Place(document.file, max(1, len(document.lines))), "", message))


def _foreign(document: Document) -> Problem:
    """All that is said of a file that is none of ours: not one word of what stands in it."""
    syntax = next((problem for problem in document.problems if problem.code in {"ZS111", "ZS120"}), None)
    if syntax is not None:
        return syntax
    place = document.problems[0].place if document.problems else document.place(())
    message = "this is no spec: a line `apiVersion: zalosync/v1` is missing"
    return Problem("ZS125", place, "", message, allowed="apiVersion: zalosync/v1")


def _is_said(detail: ErrorDetails, steps: Steps, document: Document, said: set[Place]) -> bool:
    """Whether a mismatch only repeats what another problem says."""
    if detail["type"] == "too_short":
        found = document.at(steps)
        return isinstance(found, list) and len(found) > 0  # its entries are wrong, and each is named
    return detail["type"] != "missing" and (
        document.place(steps) in said or document.place(steps, key=True) in said
    )


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
        schema = schema_at(model, steps)
        if steps[-1] in schema_at(model, steps[:-1]).get("required", ()) and schema.get("examples"):
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
    """A copy of the data without these parts."""
    copy: Value = json.loads(json.dumps(data))
    for steps in sorted(set(wrong), key=_depth_and_place, reverse=True):
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


def _depth_and_place(steps: Steps) -> tuple[int, int]:
    """Deep parts first, and the last entry of a list before those whose numbers it would change."""
    last = steps[-1] if steps else 0
    return len(steps), last if isinstance(last, int) else 0


def _empty(document: Document, model: type[Shape]) -> Iterator[tuple[Steps, Problem]]:
    """Keys without a value: YAML reads them as null, and a reader cannot tell what was meant."""
    for steps, text in document.plain.items():
        last = steps[-1] if steps else ""
        if document.at(steps) is not None or not isinstance(last, str) or not last:
            continue
        if last in MAY_BE_NULL or last.endswith(AGAIN) or not _is_known(model, steps):
            continue
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


def _is_known(model: type[Shape], steps: Steps) -> bool:
    """Whether the language has a key there; of an unknown one it is enough to say so."""
    above = schema_at(model, steps[:-1])
    return steps[-1] in above.get("properties", ()) or isinstance(above.get("additionalProperties"), dict)
