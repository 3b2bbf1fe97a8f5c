"""What leaves the model: a reply, and the two error shapes of the contract filled with its own texts."""

import re
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from xml.sax.saxutils import escape

import orjson

from zalosync.sandbox.validate import Violation

OK: Final = 200
JSON: Final = (("content-type", "application/json"),)
_DOCS: Final = "https://www.infobip.com/docs"

WireAction = Literal["answer", "reset", "close", "cut_headers", "cut_body", "hang"]


@dataclass(frozen=True, slots=True)
class Wire:
    """What the door does to the connection; a door without sockets reads it as the client would feel it.

    `answer` sends the reply. `reset` and `close` send nothing (a hard reset, an orderly end). `cut_headers`
    ends within the headers, `cut_body` after `keep` bytes of the body. `hang` never answers. `delay_ms` waits
    before, `drip_ms` between single bytes of the body.
    """

    action: WireAction = "answer"
    delay_ms: int = 0
    keep: int = 0
    drip_ms: int = 0
    interim: bool = False  # a 1xx answer before


PLAIN: Final = Wire()


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers in wire order, body, and what happens to the connection."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = JSON
    wire: Wire = PLAIN

    def with_header(self, name: str, value: str) -> "Reply":
        """The same reply with one more header."""
        return replace(self, headers=(*self.headers, (name, value)))


def ok(body: Any, status: int = 200) -> Reply:
    """A JSON answer."""
    return Reply(status, orjson.dumps(body))


_API_ERRORS: Final[dict[str, tuple[int, str, str, tuple[tuple[str, str], ...]]]] = {
    "E400": (
        400,
        "Request cannot be processed.",
        "Check the syntax, violations and adjust the request.",
        (),
    ),
    "E401": (
        401,
        "The request lacks valid authentication credentials for the requested resource.",
        "Check the resources and adjust authentication credentials.",
        (("API Authentication", f"{_DOCS}/essentials/api-authentication"),),
    ),
    "E403": (
        403,
        "Insufficient permissions to access the requested resource.",
        "Repeat the request with new or different credentials.",
        (("API Scopes", f"{_DOCS}/essentials/api-essentials/api-authorization#api-scopes"),),
    ),
    "E404": (404, "Requested resource not found.", "Check the address of the request.", ()),
    "E405": (405, "Method is not allowed for this resource.", "Check the method of the request.", ()),
    "E413": (413, "Request is too large.", "Send fewer messages in one request.", ()),
    "E415": (415, "Content type is not supported.", "Send application/json.", ()),
    "E429": (
        429,
        "Too many requests sent.",
        "Check request rate limit specified in the API endpoint documentation resource.",
        (
            (
                "Throttling handling errors",
                f"{_DOCS}/essentials/integration-best-practices#throttling-handling-errors",
            ),
        ),
    ),
    "E500": (500, "Something went wrong.", "Contact the support.", ()),
    "ZALO-RSA404": (
        404,
        "Provided sender not found.",
        "Please check the sender ID provided as a path parameter.",
        (),
    ),
    "ZALO-RSA409": (
        409,
        "RSA key already exists.",
        'Use the "Get existing RSA key" endpoint to fetch the existing key.',
        (
            ("Create a new RSA key API endpoint documentation", f"{_DOCS}/api/create-zalo-public-key"),
            ("Get existing RSA key API endpoint documentation", f"{_DOCS}/api/get-zalo-public-key"),
        ),
    ),
    "ZALO-TMP409": (
        409,
        "Template with the same name already exists.",
        "Please use a different template name.",
        (("Create Zalo template API endpoint documentation", f"{_DOCS}/api/create-zalo-template"),),
    ),
    "ZALO-RSA502": (
        502,
        "Zalo API responded with an error.",
        "Try again later. If the error persists, contact Infobip support.",
        (
            ("Get Zalo quota API endpoint documentation", f"{_DOCS}/api/get-zalo-quota"),
            ("Get Zalo template API endpoint documentation", f"{_DOCS}/api/get-zalo-template"),
            ("Get Zalo templates API endpoint documentation", f"{_DOCS}/api/get-zalo-templates"),
        ),
    ),
}

_EXCEPTIONS: Final[dict[int, tuple[str, str]]] = {
    400: ("BAD_REQUEST", "Bad request"),
    401: ("UNAUTHORIZED", "Unauthorized"),
    403: ("FORBIDDEN", "Forbidden"),
    404: ("NOT_FOUND", "Not found"),
    405: ("METHOD_NOT_ALLOWED", "Method not allowed"),
    429: ("TOO_MANY_REQUESTS", "Too many requests"),
    500: ("GENERAL_ERROR", "Something went wrong. Please contact support."),
}


API_ERROR_CODES: Final = frozenset(_API_ERRORS)
EXCEPTION_STATUSES: Final = frozenset(_EXCEPTIONS)


def api_error(code: str, violations: list[Violation] | None = None, status: int | None = None) -> Reply:
    """The new error shape, all five keys always there; `status` only where a fault lies about it."""
    usual, description, action, resources = _API_ERRORS[code]
    body = {
        "errorCode": code,
        "description": description,
        "action": action,
        "violations": [{"property": path, "violation": said} for path, said in violations or ()],
        "resources": [{"name": name, "url": url} for name, url in resources],
    }
    return Reply(status or usual, orjson.dumps(body))


def api_exception(status: int, problems: dict[str, list[str]] | None = None) -> Reply:
    """The old error shape, of the logs call only."""
    name, said = _EXCEPTIONS[status]
    details: dict[str, Any] = {"messageId": name, "text": said}
    if problems:
        details["validationErrors"] = problems
    return Reply(status, orjson.dumps({"requestError": {"serviceException": details}}))


def with_dots(reply: Reply) -> Reply:
    """A refusal whose paths are written `messages.0.to`; the notation is not told, and brackets are usual."""
    body = orjson.loads(reply.body)
    for each in body.get("violations", ()):
        each["property"] = re.sub(r"\[([0-9]+)\]", r".\1", each["property"])
    return replace(reply, body=orjson.dumps(body))


def as_xml(reply: Reply) -> Reply:
    """A refusal in XML, for who accepts nothing else: the contract has it for 401, 403, 429 and 500."""
    body = orjson.loads(reply.body)
    root = "ApiException" if "requestError" in body else "ApiError"
    text = f'<?xml version="1.0" encoding="UTF-8"?><{root}>{_elements(body)}</{root}>'
    return replace(
        reply, body=text.encode(), headers=(("content-type", "application/xml"), *reply.headers[1:])
    )


def _elements(record: dict[str, Any]) -> str:
    parts = []
    for name, value in record.items():
        if isinstance(value, dict):
            inner = _elements(value)
        elif isinstance(value, list):
            inner = "".join(f"<{name[:-1]}>{_elements(each)}</{name[:-1]}>" for each in value)
        else:
            inner = escape(str(value))
        parts.append(f"<{name}>{inner}</{name}>" if inner else f"<{name}/>")
    return "".join(parts)


def refusal(status: int, *, old_shape: bool) -> Reply:
    """401, 403, 404, 405, 429 or 500 in the shape of the call it answers."""
    return api_exception(status) if old_shape else api_error(f"E{status}")
