"""Requests made from the OpenAPI file itself, right ones and broken ones: no answer departs from it.

The document's own validator says which request is right. Where the sandbox is stricter than the schema,
because the text around it is, the schema is mended here, so that each such place is named.
"""

import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.contract.sandbox_caller import SENDER, Caller, OpenApi, openapi
from zalosync.sandbox.settings import Settings

pytestmark = pytest.mark.contract
Schema = dict[str, Any]
SAMPLE, NIGHTLY = 60, 2500  # cases for each of the four properties
RIGHT_SHARE = 0.3
_LETTERS = st.characters(exclude_categories=["Cs"])  # no halves of surrogate pairs: they are no UTF-8
_TEXT = st.text(_LETTERS, max_size=12)
_DATES = st.sampled_from(
    [
        "2027-01-02T03:04:05.000+0000",
        "2027-01-02T03:04:05Z",
        "2027-03-01T00:00:00.5+07:00",
        "2020-01-01T00:00:00+0000",
    ]
)


def _mended(document: Schema) -> Schema:
    """The document with what its prose says and its schemas leave out."""
    whole: Schema = orjson.loads(orjson.dumps(document))
    schemas: Schema = {name.rpartition(".")[2]: each for name, each in whole["components"]["schemas"].items()}
    # Examples have strings; the schema says objects.
    schemas["ZaloOutboundTemplateContent"]["allOf"][1]["properties"]["templateData"][
        "additionalProperties"
    ] = {}
    # Ids of templates are 64 bits everywhere else.
    schemas["ZaloOutboundTemplateContent"]["allOf"][1]["properties"]["templateName"] = {
        "type": "integer",
        "minimum": 1,
        "maximum": 2**63 - 1,
    }
    # An empty request, entry, week or period says nothing.
    schemas["ZaloRequest"]["properties"]["messages"]["minItems"] = 1
    schemas["ZaloMessage"]["properties"]["destinations"]["minItems"] = 1
    schemas["DeliveryTimeWindow"]["properties"]["days"]["minItems"] = 1
    schemas["ValidityPeriod"]["properties"]["amount"]["minimum"] = 1
    schemas["SendingSpeedLimit"]["properties"]["amount"]["minimum"] = 1
    # The two ends of a window come together.
    schemas["DeliveryTimeWindow"]["dependentRequired"] = {"from": ["to"], "to": ["from"]}
    # Two forms of the webhook are known.
    schemas["Webhooks"]["properties"]["contentType"]["enum"] = ["application/json", "application/xml"]
    # The id of a template to edit is a string by the schema and a number in its examples.
    schemas["EditTemplateRequest"]["properties"]["templateId"] = {
        "anyOf": [
            {"type": "string", "pattern": r"^[0-9]{1,18}\Z"},
            {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
        ]
    }
    # Python's $ also stands before a line end; the checker matches to the very end.
    schemas["TemplateParameter"]["properties"]["name"]["pattern"] = r"^[A-Za-z0-9_-]+\Z"
    schemas["RatingItem"]["properties"]["rate"]["pattern"] = r"^[1-5]\Z"
    for each in schemas.values():
        _bases(each, whole["components"]["schemas"])
    return whole


def _bases(schema: Schema, schemas: Schema) -> None:
    """A base with a discriminator becomes the choice of its kinds: the schema alone looks at `type` only."""
    kinds = schema.get("discriminator", {}).get("mapping")
    if not kinds:
        return
    choices = []
    for name, ref in kinds.items():
        kind = schemas[ref.rpartition("/")[2]]
        own: Schema = next((part for part in kind["allOf"] if "$ref" not in part), {})
        choices.append(
            {
                "type": "object",
                "properties": {**own.get("properties", {}), "type": {"enum": [name]}},
                "required": sorted({*kind.get("required", ()), "type"}),
            }
        )
    schema.clear()
    schema["oneOf"] = choices


def _strategy(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    """Values that a schema takes."""
    if "$ref" in schema:
        return _strategy(root["components"]["schemas"][schema["$ref"].rpartition("/")[2]], root)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return st.one_of(*(_strategy(each, root) for each in schema[choice]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        return _objects(schema, root)
    if kind == "array":
        items = _strategy(schema["items"], root)
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=min(3, schema.get("maxItems", 3)))
    if kind == "integer":
        low, high = (-(2**31), 2**31 - 1) if schema.get("format") == "int32" else (-(2**63), 2**63 - 1)
        return st.integers(schema.get("minimum", low), schema.get("maximum", high))
    if kind == "boolean":
        return st.booleans()
    if kind == "string":
        return _strings(schema)
    return st.one_of(_TEXT, st.integers(0, 9), st.just({"a": "b"}))


def _strings(schema: Schema) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        return _DATES
    if "pattern" in schema:
        maximum = schema.get("maxLength", 20)
        matching: st.SearchStrategy[str] = st.from_regex(re.compile(schema["pattern"]), fullmatch=True)
        return matching.filter(lambda text: len(text) <= maximum)
    minimum = schema.get("minLength", 0)
    return st.text(_LETTERS, min_size=minimum, max_size=max(minimum, 12))


def _objects(schema: Schema, root: Schema) -> st.SearchStrategy[Any]:
    properties = schema.get("properties", {})
    if not properties:
        return st.dictionaries(_TEXT, _strategy(schema.get("additionalProperties", {}), root), max_size=3)
    required = set(schema.get("required", ()))
    fields = {name: _strategy(each, root) for name, each in properties.items()}
    whole = st.fixed_dictionaries(
        {name: each for name, each in fields.items() if name in required},
        optional={name: each for name, each in fields.items() if name not in required},
    )
    pairs = schema.get("dependentRequired")
    return whole.filter(lambda value: ("from" in value) == ("to" in value)) if pairs else whole


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for name, each in value.items():
            found += _places(each, (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            found += _places(each, (*path, index))
    return found


def _wrong(value: Any) -> list[Any]:
    """Values near a right one that are often wrong: at its limits, past them, of another type."""
    if isinstance(value, bool):
        return [str(value).lower(), int(value), None]
    if isinstance(value, str):
        near = [value + "x" * extra for extra in (1, 7, 20, 60, 100, 255, 400, 2000)]
        return ["", value[:-1], *near, "x" * 5000, value + "\n", 5, None, []]
    if isinstance(value, int):
        return [0, -1, 24, 60, 2**31, -(2**31) - 1, 2**63, str(value), value + 0.5, None]
    if isinstance(value, list):
        return [[], [*value, *value[:1]], (value * 9)[:9], value * 3, {}, [None], None]
    return [{}, [], "x", 5, None]


def _spoiled(body: Any, place: tuple[Any, ...], pick: float, *, remove: bool) -> Any:
    """The body with one value changed or taken away."""
    copy = orjson.loads(orjson.dumps(body))
    inner = copy
    for step in place[:-1]:
        inner = inner[step]
    if remove and isinstance(inner, dict):
        del inner[place[-1]]
    else:
        choices = _wrong(inner[place[-1]])
        inner[place[-1]] = choices[int(pick * len(choices))]
    return copy


@pytest.fixture(scope="module")
def mended() -> OpenApi:
    """The document with its prose in its schemas."""
    document = openapi()
    if document is None:
        pytest.skip("no OpenAPI file: set ZALOSYNC_CONTRACT to the folder that has it")
    return OpenApi(_mended(document.document))


def _body_schema(document: OpenApi, method: str, path: str) -> Schema:
    operation = document.document["paths"][document.template(path)][method.lower()]
    schema: Schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return schema


def _wide_windows(body: Any) -> bool:
    """Whether every window is an hour wide; the schema cannot say it."""
    for entry in body["messages"]:
        window = (entry.get("options") or {}).get("deliveryTimeWindow") or {}
        if "from" in window and "to" in window:
            start, end = (window[name]["hour"] * 60 + window[name]["minute"] for name in ("from", "to"))
            if (end - start) % 1440 < 60:
                return False
    return True


CALLS = [
    ("POST", "/zalo/2/messages"),
    ("POST", f"/zalo/2/sender/{SENDER}/templates"),
    ("PUT", f"/zalo/2/sender/{SENDER}/templates"),
]


def _check(document: OpenApi, method: str, path: str, body: Any, caller: Caller) -> None:
    """A request is refused exactly when the document refuses it, and the answer is one of the document's."""
    problems = document.problems(_body_schema(document, method, path), body)
    caller.wait(1000)
    reply = caller.call(method, path, body, content_type="application/json")
    if problems:
        assert reply.status == 400, (problems[:3], reply.body[:300])
    elif path == "/zalo/2/messages" and not _wide_windows(body):
        assert reply.status == 400
    elif method == "PUT":
        assert b"only a rejected" in reply.body or b"is not a template" in reply.body
    else:
        assert reply.status in (200, 409), reply.body[:300]


def _run(examples: int, *strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
    """Runs a property over so many generated cases, the same ones each time."""

    def run(check: Callable[..., None]) -> None:
        given(*strategies)(
            settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(check)
        )()

    return run


def _right_and_broken(document: OpenApi, method: str, path: str, examples: int) -> None:
    bodies = _strategy(_body_schema(document, method, path), document.document)
    caller = Caller(Settings(daily_quota=10**9))

    def check(body: Any, salt: int) -> None:
        # Spread by a hash: what Hypothesis draws lies mostly at the ends.
        digest = blake2b(orjson.dumps([salt, body]), digest_size=12).digest()
        what, point, pick = (int.from_bytes(digest[n : n + 4]) / 2**32 for n in (0, 4, 8))
        places = _places(body)
        if what > RIGHT_SHARE and places:
            place = places[int(point * len(places))]
            body = _spoiled(body, place, pick, remove=what > 1 - RIGHT_SHARE / 2)
        _check(document, method, path, body, caller)

    _run(examples, bodies, st.integers(0, 2**31))(check)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_generated_bodies(mended: OpenApi, method: str, path: str) -> None:
    """Right bodies are taken and broken ones refused, a sample of them."""
    _right_and_broken(mended, method, path, SAMPLE)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_many_generated_bodies(mended: OpenApi, method: str, path: str) -> None:
    """Right bodies are taken and broken ones refused, thousands of them."""
    _right_and_broken(mended, method, path, NIGHTLY)


_GETS = [
    "/zalo/1/logs",
    f"/zalo/1/sender/{SENDER}/templates",
    f"/zalo/1/sender/{SENDER}/templates/322307",
    f"/zalo/1/sender/{SENDER}/quota",
    f"/zalo/1/sender/{SENDER}/public-key",
    "/zalo/1/sender/x/quota",
    "/zalo/1/sender/99999999999999999999/templates",
    f"/zalo/1/sender/{SENDER}/templates/abc",
]


def _queries(document: OpenApi, examples: int) -> None:
    names = [
        "from",
        "to",
        "messageId",
        "generalStatus",
        "sentSince",
        "sentUntil",
        "limit",
        "page",
        "size",
        "status",
    ]
    right = st.sampled_from(
        ["84901234567", "a,b", "DELIVERED", "2027-01-01T00:00:00.000%2B0000", "1", "100", "ALL"]
    )
    junk = st.sampled_from(["", "0", "-1", "1001", "x", "%00", "%FF", "2027", "9" * 30, "1.5"])
    pairs = st.lists(st.tuples(st.sampled_from(names), st.one_of(right, junk)), max_size=4)
    caller = Caller()
    listed = {path: document.document["paths"][document.template(path)]["get"]["responses"] for path in _GETS}

    def check(path: str, query: list[tuple[str, str]], key: str) -> None:
        caller.wait(10_000)
        raw = "&".join(f"{name}={value}" for name, value in query)
        reply = caller.call("GET", path, query=raw, key=key)
        assert str(reply.status) in listed[path]

    keys = st.sampled_from(["App sandbox", "App wrong", "Bearer x"])
    _run(examples, st.sampled_from(_GETS), pairs, keys)(check)


def test_generated_queries(mended: OpenApi) -> None:
    """Whatever a query says, the answer is one that the operation lists, a sample of them."""
    _queries(mended, SAMPLE)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_many_generated_queries(mended: OpenApi) -> None:
    """Whatever a query says, the answer is one that the operation lists, thousands of them."""
    _queries(mended, NIGHTLY)
