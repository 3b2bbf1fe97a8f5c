"""A mismatch of document and shape, said to people: what was found, what is allowed, what was meant."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import ErrorDetails

from zalosync.errors import Problem
from zalosync.spec.document import Document, Steps, Value, path_text
from zalosync.spec.outline import choices_of, described, keys_at, paths_of, schema_at
from zalosync.spec.shown import kind_of, shown, visible
from zalosync.spec.values import Shape

# Steps that pydantic adds for its own: the holder of a nested check, and a mapping's key.
_INNER = frozenset({"value", "[key]"})
# Checks of a whole mapping: the place is its key, not its first entry.
_OF_A_MAPPING = frozenset({"ZS202", "ZS207", "ZS143"})
_NUMBERS = frozenset(
    {"int_type", "int_from_float", "int_parsing", "float_type", "decimal_type", "decimal_parsing"}
)
_BOUNDS = frozenset({"greater_than_equal", "less_than_equal", "greater_than", "less_than"})
_MAPPINGS = frozenset({"model_type", "dict_type", "dataclass_type", "model_attributes_type", "mapping_type"})
MAX_WORD = 100  # characters of what may be a misspelt key
_YES = frozenset({"yes", "on", "true", "y"})
_NO = frozenset({"no", "off", "false", "n"})


def some_of(names: Sequence[str], most: int) -> str:
    """The first names of many, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def near(word: str, words: Sequence[str]) -> str:
    """The word that was probably meant, or nothing: first by letters alone, then by likeness."""
    if len(word) > MAX_WORD:
        return ""
    letters = {re.sub(r"[-_ ]", "", candidate).lower(): candidate for candidate in words}
    exact = letters.get(re.sub(r"[-_ ]", "", word).lower())
    if exact is not None:
        return exact
    close = difflib.get_close_matches(word.lower(), [each.lower() for each in words], n=1, cutoff=0.6)
    return next((each for each in words if close and each.lower() == close[0]), "")


def explained(detail: ErrorDetails, document: Document, model: type[Shape]) -> tuple[Steps, Problem]:
    """One of pydantic's errors as a problem, with the steps to what is wrong."""
    steps = steps_of(detail, document)
    kind, found, path = detail["type"], document.at(steps), path_text(steps)
    if kind == "missing":
        parent = steps[:-1]
        what = described(schema_at(model, steps)).rstrip(".")
        what = what if what.isupper() or "`" in what[:2] else what[:1].lower() + what[1:]
        message = f"the required key `{steps[-1]}` is missing" + (f" ({what})" if what else "")
        return steps, Problem("ZS131", document.place(parent, key=True), path, message)
    if kind == "extra_forbidden":
        return steps, _unknown_key(steps, document, model)
    if kind.startswith("ZS"):
        whole = (kind in _OF_A_MAPPING and isinstance(found, dict)) or kind == "ZS142"
        key = whole or "[key]" in detail["loc"]
        told = "" if whole else _found(detail, found, steps, document)
        place, words = document.place(steps, key=key), detail.get("ctx", {})
        allowed, meant = words.get("allowed", ""), words.get("meant", "")
        return steps, Problem(kind, place, path, detail["msg"], found=told, allowed=allowed, meant=meant)
    code, message, allowed, meant = _told(detail, found, steps, document, model)
    place = document.place(steps, key="[key]" in detail["loc"])
    told = _found(detail, found, steps, document)
    return steps, Problem(code, place, path, message, found=told, allowed=allowed, meant=meant)


def _found(detail: ErrorDetails, found: Value, steps: Steps, document: Document) -> str:
    if "[key]" in detail["loc"]:
        return f"`{visible(str(steps[-1]))[:60]}`"
    return shown(found, steps, document)


def steps_of(detail: ErrorDetails, document: Document) -> Steps:
    """The steps of an error in the file, without those that pydantic adds for its own."""
    steps: list[str | int] = []
    for step in detail["loc"]:
        if step in _INNER and document.at((*steps, step)) is None:
            continue
        steps.append(step)
    return tuple(steps)


def _unknown_key(steps: Steps, document: Document, model: type[Shape]) -> Problem:
    key = str(steps[-1])
    allowed = keys_at(model, steps[:-1])
    present = document.at(steps[:-1])
    free = [each for each in allowed if not (isinstance(present, dict) and each in present)]
    meant = near(key, free) or near(key, allowed)
    message = f"`{visible(key)[:60]}` is not a key here"
    elsewhere = paths_of(model).get(key, ())
    if elsewhere and not meant:
        message += f"; it belongs at `{elsewhere[0]}`"
    place = document.place(steps, key=True)
    return Problem("ZS130", place, path_text(steps), message, allowed=", ".join(allowed), meant=meant)


def _told(
    detail: ErrorDetails, found: Value, steps: Steps, document: Document, model: type[Shape]
) -> tuple[str, str, str, str]:
    """Code, message, allowed and near miss for pydantic's own kinds of errors."""
    kind, context, schema = detail["type"], detail.get("ctx", {}), schema_at(model, steps)
    written = document.plain.get(steps)
    if "[key]" in detail["loc"]:
        schema, found = schema_at(model, steps[:-1]).get("propertyNames", {}), str(steps[-1])
    if kind == "string_type" and written is not None:
        return "ZS133", f'YAML reads this as {kind_of(found)}; write it in quotes: "{written}"', "a text", ""
    if kind in {"enum", "literal_error"}:
        choices = choices_of(schema)
        meant = near(found, choices) if isinstance(found, str) else ""
        return "ZS134", "this is not one of the values that are allowed", ", ".join(choices), meant
    if kind in _NUMBERS or kind == "bool_type":
        return "ZS132", *_number_or_flag(kind, found), ""
    if kind in _BOUNDS:
        return "ZS135", "the number is out of range", described(schema), ""
    if kind in {"string_too_short", "string_too_long", "too_short", "too_long"}:
        return *_length(kind, context, found), ""
    if kind in {"string_pattern_mismatch", "decimal_max_digits", "finite_number"}:
        return "ZS136", "the value does not have the form that is needed", described(schema), ""
    if kind in _MAPPINGS:
        keys = ", ".join(keys_at(model, steps)) or "a mapping"
        return "ZS132", "a mapping (`key: value` lines) belongs here", keys, ""
    if kind in {"tuple_type", "list_type"}:
        return "ZS132", "a list belongs here: [a, b], or lines that begin with `- `", "a list", ""
    return "ZS132", "a text belongs here" if kind == "string_type" else detail["msg"], "", ""


def _number_or_flag(kind: str, found: Value) -> tuple[str, str]:
    hint = ""
    if kind == "bool_type":
        wanted, word = "true or false", found.lower() if isinstance(found, str) else ""
        if word in _YES | _NO:
            hint = f"; write {'true' if word in _YES else 'false'} without quotes"
    else:
        wanted = "a whole number" if kind.startswith("int") else "a number"
        if isinstance(found, str) and re.fullmatch(r"[0-9]+", found):
            hint = "; leave the quotes out"
    return f"{wanted} belongs here{hint}", wanted


def _length(kind: str, context: Mapping[str, Any], found: Value) -> tuple[str, str, str]:
    least = context.get("min_length")
    limit = f"at least {least:,}" if least is not None else f"at most {context.get('max_length'):,}"
    if kind.startswith("string"):
        length = len(found) if isinstance(found, str) else 0
        message = f"the text has {length:,} characters" if length else "the text is empty"
        return "ZS136", message, f"{limit} character{'' if least == 1 else 's'}"
    return "ZS141", f"there are {context.get('actual_length')} entries", limit
