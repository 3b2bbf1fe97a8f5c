"""The language as a map: which keys stand where, and what may be their values.

The map is the models' own JSON Schema, so that errors, `zalosync schema` and the documentation can never
say different things.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from zalosync.spec.document import Steps
from zalosync.spec.values import Shape

Schema = Mapping[str, Any]

MAY_BE_NULL = frozenset({"reportsPath"})  # null says something else there than leaving the key out
_OPTIONAL = 2  # a choice of two is a value or null
_KEPT = frozenset({"description", "examples"})


@cache
def schema_of(model: type[Shape]) -> Schema:
    """The JSON Schema (draft 2020-12) of a shape, as pydantic has it, with mappings made plain."""
    schema: Schema = _plain(model.model_json_schema(by_alias=True))
    return schema


def _plain(schema: Any) -> Any:
    """Mappings whose keys have a pattern: one rule for the names, one for the values; editors follow that."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(value) for key, value in schema.items()}
    patterns = plain.get("patternProperties")
    if isinstance(patterns, dict) and len(patterns) == 1 and "additionalProperties" not in plain:
        ((pattern, values),) = plain.pop("patternProperties").items()
        plain["propertyNames"] = {**plain.get("propertyNames", {}), "pattern": pattern}
        plain["additionalProperties"] = values
    return plain


def schema_at(model: type[Shape], steps: Steps) -> Schema:
    """The schema of the value at these steps; empty where the language knows none."""
    here: Schema = schema_of(model)
    for step in steps:
        inner: Schema = {}
        for choice in _choices(model, here):
            extra = choice.get("additionalProperties")
            if isinstance(step, int):
                inner = inner or choice.get("items", {})
            else:
                inner = inner or choice.get("properties", {}).get(
                    step, extra if isinstance(extra, dict) else {}
                )
        here = inner
    return resolved(model, here)


def _below(schema: Schema, step: str | int) -> Schema:
    if isinstance(step, int):
        found = schema.get("items", {})
    else:
        found = schema.get("properties", {}).get(step) or schema.get("additionalProperties")
    return found if isinstance(found, dict) else {}


def _choices(model: type[Shape], schema: Schema) -> Iterator[Schema]:
    """A schema and everything that it may be instead."""
    while "$ref" in schema:
        target = schema_of(model)["$defs"][schema["$ref"].rpartition("/")[2]]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    yield schema
    for choice in schema.get("anyOf", ()):
        yield from _choices(model, choice)


def resolved(model: type[Shape], schema: Schema) -> Schema:
    """A schema with its reference followed, and its most telling choice where it has several."""
    while "$ref" in schema:
        target = schema_of(model)["$defs"][schema["$ref"].rpartition("/")[2]]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    choices = schema.get("anyOf", ())
    for choice in choices:
        inner = resolved(model, choice)
        telling = "properties" in inner or "enum" in inner or "additionalProperties" in inner
        if inner.get("type") != "null" and (telling or len(choices) <= _OPTIONAL):
            return {**inner, **{key: value for key, value in schema.items() if key in _KEPT}}
    return schema


def keys_at(model: type[Shape], steps: Steps) -> tuple[str, ...]:
    """The keys that may stand in the mapping at these steps."""
    keys: dict[str, None] = {}
    for choice in _choices(model, schema_at(model, steps)):
        keys.update(dict.fromkeys(choice.get("properties", ())))
    return tuple(keys)


def choices_of(schema: Schema) -> tuple[str, ...]:
    """The values of a schema that lists them."""
    if "const" in schema:
        return (str(schema["const"]),)
    return tuple(str(choice) for choice in schema.get("enum", ()))


def described(schema: Schema) -> str:
    """What may stand there, in words: the list of values, the limits, else the description."""
    if choices := choices_of(schema):
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
def paths_of(model: type[Shape]) -> Mapping[str, tuple[str, ...]]:
    """Every key of a shape → the paths where it stands."""
    found: dict[str, list[str]] = {}

    def walk(schema: Schema, path: str) -> None:
        for key, inner in resolved(model, schema).get("properties", {}).items():
            here = f"{path}.{key}" if path else key
            found.setdefault(key, []).append(here)
            walk(inner, here)

    walk(schema_of(model), "")
    return {key: tuple(paths) for key, paths in found.items()}
