"""The provider's OpenAPI file, where it is on this machine, and what an answer breaks of it."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from zalosync.sandbox.answers import Reply

Json = dict[str, Any]
OK, REPORTS = 200, ".ZaloReportRequest"

# The document says date-time and shows +0000, which RFC 3339 does not know: its own notation is what counts.
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)")
_FORMATS = type(oas31_format_checker)(())
_FORMATS.checkers = dict(oas31_format_checker.checkers)
_FORMATS.checkers["date-time"] = (
    lambda value: not isinstance(value, str) or bool(_DATE.fullmatch(value)),
    (),
)


class OpenApi:
    """The operations of an OpenAPI document and what each may answer."""

    # What comes from the web server, not from an operation; the document lists none of them.
    outside = frozenset({404, 405, 413, 415})

    def __init__(self, document: Json) -> None:
        self.document = document
        self._validators: dict[str, Any] = {}

    def schema(self, method: str, path: str, status: int) -> Json | None:
        """The schema of an answer, None for a status that is not listed; raises KeyError for no operation."""
        content = self.content(method, path, status)
        schema: Json | None = content and (content.get("application/json") or content["*/*"])["schema"]
        return schema

    def content(self, method: str, path: str, status: int) -> Json | None:
        """An answer's schemas by content type, as `schema` does."""
        responses = self.document["paths"][self.template(path)][method.lower()]["responses"]
        found: Json | None = responses.get(str(status))
        if found is not None and "$ref" in found:
            found = self.document["components"]["responses"][found["$ref"].rpartition("/")[2]]
        content: Json | None = found and found["content"]
        return content

    def template(self, path: str) -> str:
        """The path of the document that a request's path belongs to."""
        parts = path.split("/")
        for known in self.document["paths"]:
            pattern = known.split("/")
            if len(pattern) == len(parts) and all(
                a == b or a.startswith("{") for a, b in zip(pattern, parts, strict=True)
            ):
                return str(known)
        raise KeyError(path)

    def problems(self, schema: Json, value: object) -> list[str]:
        """What a value breaks of a schema."""
        key = orjson.dumps(schema).decode()
        if key not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[key] = OAS31Validator(whole, format_checker=_FORMATS)
        return [f"{list(e.absolute_path)}: {e.message}" for e in self._validators[key].iter_errors(value)]

    def deviations(self, method: str, path: str, reply: Reply) -> list[str]:
        """Everything in which an answer departs from the document."""
        try:
            content = self.content(method, path, reply.status)
        except KeyError:
            return self._elsewhere(method, reply)
        if content is None:
            return [] if reply.status in self.outside else [f"{method} {path} does not list {reply.status}"]
        kind = dict(reply.headers).get("content-type")
        if kind == "application/xml" in content:
            return []
        if kind != "application/json":
            return [f"content type {kind}"]
        schema = (content.get("application/json") or content["*/*"])["schema"]
        try:
            return self.problems(schema, orjson.loads(reply.body))
        except orjson.JSONDecodeError:
            return ["the body is no JSON"]

    def _elsewhere(self, method: str, reply: Reply) -> list[str]:
        """The call for reports has no path in the document: what it gives is what a webhook would get."""
        if method != "GET" or reply.status != OK:
            return []
        name = next(each for each in self.document["components"]["schemas"] if each.endswith(REPORTS))
        return self.problems({"$ref": f"#/components/schemas/{name}"}, orjson.loads(reply.body))


@cache
def openapi() -> OpenApi | None:
    """The provider's document, or None where it is not on this machine."""
    named = os.environ.get("ZALOSYNC_CONTRACT")
    place = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "contract"
    for file in place.glob("infobip-zalo-openapi-*.json"):
        return OpenApi(orjson.loads(file.read_bytes()))
    return None
