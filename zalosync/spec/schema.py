"""JSON Schema of every kind of file, for editors: made from the models, so that both say the same.

Draft 7, which yaml-language-server knows best; so a reference has no neighbours, and what may be left out
may not be null.
"""

import json
from collections.abc import Mapping
from typing import Any

from zalosync.spec.model import Campaign
from zalosync.spec.outline import MAY_BE_NULL, schema_of
from zalosync.spec.policy import Policy
from zalosync.spec.project import Prices, Project, TemplatesLock
from zalosync.spec.values import Shape

KINDS: Mapping[str, type[Shape]] = {
    "project": Project,
    "campaign": Campaign,
    "policy": Policy,
    "prices": Prices,
    "templates-lock": TemplatesLock,
}
_DRAFT = "http://json-schema.org/draft-07/schema#"


def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of one kind, a key of `KINDS`."""
    model = KINDS[kind]
    schema: dict[str, Any] = _simple(schema_of(model), key="")
    title = "templates.lock.yaml" if kind == "templates-lock" else kind
    return {"$schema": _DRAFT, "title": f"zalosync/v1 {title}", **schema}


def schema_text(kind: str) -> str:
    """The schema as it is written to a file."""
    return json.dumps(json_schema(kind), ensure_ascii=False, indent=2) + "\n"


def file_name(kind: str) -> str:
    """The name of a schema's file, which the first line of specs points to."""
    return f"{kind}.schema.json"


def _simple(schema: Any, key: str) -> Any:
    """Without pydantic's titles, without null where null is refused, and references on their own."""
    if isinstance(schema, list):
        return [_simple(each, key) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    simple: dict[str, Any] = {}
    for word, value in schema.items():
        if word == "title" and isinstance(value, str):
            continue
        if word == "default" and value is None and key not in MAY_BE_NULL:
            continue
        if word in {"properties", "$defs"}:
            simple[word] = {name: _simple(inner, name) for name, inner in value.items()}
        elif word in {"examples", "default", "enum", "const"}:
            simple[word] = value
        else:
            simple[word] = _simple(value, key)
    if key not in MAY_BE_NULL:
        simple = _without_null(simple)
    if "$ref" in simple and len(simple) > 1:
        simple["allOf"] = [{"$ref": simple.pop("$ref")}]
    return simple


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = schema.get("anyOf")
    if not choices or {"type": "null"} not in choices:
        return schema
    rest = [choice for choice in choices if choice != {"type": "null"}]
    bare = {word: value for word, value in schema.items() if word not in {"anyOf", "default"}}
    return {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **bare}
