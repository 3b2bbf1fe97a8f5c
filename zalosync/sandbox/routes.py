"""Which call a request is: paths, methods, scopes, shapes of the OpenAPI file, and the reports it lacks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from zalosync.sandbox.validate import INT64

_SEND: Final = frozenset({"message:send", "zalo:message:send", "zalo:manage"})
_MANAGE: Final = frozenset({"zalo:manage"})
_LOGS: Final = frozenset({"zalo:logs:read", "zalo:manage"})


@dataclass(frozen=True, slots=True)
class Request:
    """What a door hands in; header names in lower case, the path without its query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One operation: its name, who may (one scope is enough), its error shape, whether its body is JSON."""

    name: str
    scopes: frozenset[str]
    old_shape: bool = False
    json_body: bool = False


class Route(NamedTuple):
    """Where a request goes; `call` None with `known` says that the path exists for other methods."""

    call: Call | None
    parts: Mapping[str, str]
    known: bool
    old_shape: bool = False


_REPORTS: Final = Call("reports", _SEND | _LOGS)
_SENDER: Final = r"/sender/(?P<sender>[^/]+)"
_ROUTES: Final[tuple[tuple[re.Pattern[str], dict[str, Call]], ...]] = (
    (re.compile(r"/zalo/2/messages"), {"POST": Call("send", _SEND, json_body=True)}),
    (re.compile(r"/zalo/1/logs"), {"GET": Call("logs", _LOGS, old_shape=True)}),
    (
        re.compile(rf"/zalo/1{_SENDER}/public-key"),
        {"GET": Call("get_key", _MANAGE), "POST": Call("create_key", _MANAGE)},
    ),
    (re.compile(rf"/zalo/1{_SENDER}/templates"), {"GET": Call("templates", _SEND)}),
    (re.compile(rf"/zalo/1{_SENDER}/templates/(?P<templateName>[^/]+)"), {"GET": Call("template", _SEND)}),
    (
        re.compile(rf"/zalo/2{_SENDER}/templates"),
        {
            "POST": Call("create_template", _SEND, json_body=True),
            "PUT": Call("edit_template", _SEND, json_body=True),
        },
    ),
    (re.compile(rf"/zalo/1{_SENDER}/media"), {"POST": Call("media", _MANAGE)}),
    (re.compile(rf"/zalo/1{_SENDER}/quota"), {"GET": Call("quota", _SEND)}),
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,19}")


def find(request: Request, reports_path: str | None) -> Route:
    """The call of a request."""
    if reports_path is not None and request.path == reports_path:
        return Route(_REPORTS if request.method == "GET" else None, {}, known=True)
    for pattern, calls in _ROUTES:
        found = pattern.fullmatch(request.path)
        if found:
            old = any(call.old_shape for call in calls.values())
            return Route(calls.get(request.method), found.groupdict(), known=True, old_shape=old)
    return Route(None, {}, known=False)


def not_numbers(route: Route) -> list[str]:
    """The parts of the path that should be 64-bit numbers and are none."""
    return [
        name
        for name, part in route.parts.items()
        if not (_NUMBER.fullmatch(part) and INT64[0] <= int(part) <= INT64[1])
    ]
