"""The golden bodies against the provider's OpenAPI file: valid, and no key that it does not have."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

pytestmark = pytest.mark.contract

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "wire"
BODIES = sorted(GOLDEN.glob("*.json"))
Schema = dict[str, Any]


@pytest.fixture(scope="module")
def document(contract_dir: Path) -> Schema:
    """The OpenAPI document, with its two known slips mended.

    `templateData` values are typed `object` and are strings in every example; and `content` only names its
    base type, so that the template's own fields would not be looked at.
    """
    (file,) = contract_dir.glob("infobip-zalo-openapi-*.json")
    whole: Schema = json.loads(file.read_text(encoding="utf-8"))
    schemas = whole["components"]["schemas"]
    template = next(name for name in schemas if name.endswith(".ZaloOutboundTemplateContent"))
    own = schemas[template]["allOf"][1]["properties"]
    own["templateData"]["additionalProperties"] = {"type": "string"}
    message = next(name for name in schemas if name.endswith(".ZaloMessage"))
    schemas[message]["properties"]["content"] = {"$ref": f"#/components/schemas/{template}"}
    return whole


def _request_schema(document: Schema) -> Schema:
    operation = document["paths"]["/zalo/2/messages"]["post"]
    schema: Schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


def _properties(document: Schema, schema: Schema) -> Schema:
    """All properties of a schema, through references and `allOf`."""
    if "$ref" in schema:
        return _properties(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    found: Schema = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        found |= _properties(document, part)
    return found


def _resolved(document: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    return _resolved(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])


def _unknown(document: Schema, schema: Schema, value: object, at: str = "") -> Iterator[str]:
    """Paths of keys that the schema does not name."""
    schema = _resolved(document, schema)
    if isinstance(value, list):
        for one in value:
            yield from _unknown(document, schema["items"], one, f"{at}[]")
    elif isinstance(value, dict) and "additionalProperties" not in schema:
        known = _properties(document, schema)
        for name, inner in value.items():
            if name not in known:
                yield f"{at}.{name}"
            else:
                yield from _unknown(document, known[name], inner, f"{at}.{name}")


@pytest.mark.parametrize("body", BODIES, ids=lambda path: path.stem)
def test_a_golden_body_is_valid(body: Path, document: Schema) -> None:
    """The provider's own schema accepts what we send."""
    schema = {**_request_schema(document), "components": document["components"]}
    errors = list(OAS31Validator(schema).iter_errors(json.loads(body.read_text(encoding="utf-8"))))
    assert [error.message for error in errors] == []


@pytest.mark.parametrize("body", BODIES, ids=lambda path: path.stem)
def test_a_golden_body_has_only_keys_of_the_schema(body: Path, document: Schema) -> None:
    """A key that the provider does not know may be ignored by it: a misspelt `sendAt` sends now."""
    value = json.loads(body.read_text(encoding="utf-8"))
    assert list(_unknown(document, _request_schema(document), value)) == []


def test_the_check_for_unknown_keys_finds_one(document: Schema) -> None:
    """The test above can fail."""
    value = json.loads((GOLDEN / "full.json").read_text(encoding="utf-8"))
    value["options"]["schedule"]["SendAt"] = "now"
    value["messages"][0]["content"]["placeholders"] = {}
    found = set(_unknown(document, _request_schema(document), value))
    assert found == {".options.schedule.SendAt", ".messages[].content.placeholders"}


def test_the_golden_bodies_use_every_option_we_know(document: Schema) -> None:
    """Together they hold every key of the options, but those that are for other countries and for UIDs."""
    values = [json.loads(body.read_text(encoding="utf-8")) for body in BODIES]
    used = {name for value in values for entry in value["messages"] for name in entry.get("options", {})}
    message = next(n for n in document["components"]["schemas"] if n.endswith(".ZaloMessageOptions"))
    known = set(document["components"]["schemas"][message]["properties"])
    assert known - used == {"encrypted"}
    tracking = next(n for n in document["components"]["schemas"] if n.endswith(".UrlOptions"))
    assert {name for value in values for name in value["options"]["tracking"]} == set(
        document["components"]["schemas"][tracking]["properties"]
    )
