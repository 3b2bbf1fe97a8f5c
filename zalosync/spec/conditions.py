"""What keys of one mapping demand of one another, as far as JSON Schema can tell: for editors.

The models and `meaning` say the same with better words; nothing here refuses what they accept.
"""

from typing import Any, Final

_Schema = dict[str, Any]


def _where(then: _Schema, **keys: object) -> _Schema:
    """What must hold of a mapping in which these keys have these values."""
    given = {"properties": {key: {"const": value} for key, value in keys.items()}, "required": [*keys]}
    return {"if": given, "then": then}


def _is(**keys: object) -> _Schema:
    """A mapping in which these keys stand, with these values."""
    return {"properties": {key: {"const": value} for key, value in keys.items()}, "required": [*keys]}


def _within(key: str, **keys: object) -> _Schema:
    """A mapping in which these keys of the mapping at `key` have these values where they stand at all."""
    inner = {"properties": {name: {"const": value} for name, value in keys.items()}}
    return {"properties": {key: inner}}


_SHORTENED: Final = _is(shortenUrl=True)

WINDOW: Final[_Schema] = {"dependencies": {"from": ["to"], "to": ["from"]}}
SCHEDULE: Final = _where({"required": ["sendAt"]}, mode="hold")
TRACKING: Final[_Schema] = {
    "dependencies": {"trackingUrl": _SHORTENED, "customDomain": _SHORTENED},
    "allOf": [_where(_SHORTENED, trackClicks=True), _where(_SHORTENED, removeProtocol=True)],
}
DELIVERY: Final = _where(
    {"not": {"anyOf": [{"required": ["url"]}, _is(intermediateReport=True)]}}, notify=False
)
RECEIVER: Final[_Schema] = {
    "allOf": [
        _where({"required": ["credential", "user"]}, security="basic"),
        _where({"required": ["credential"]}, security="hmac"),
    ]
}
ENVIRONMENT: Final = _where({"not": {"required": ["apiKey"]}}, baseUrl="sandbox")
CAMPAIGN: Final[_Schema] = {
    "allOf": [
        _where(_within("template", tag="PROMOTION"), sendingMode="OVER_THE_LIMIT"),
        _where(_within("template", tag="PROMOTION"), sendingMode="AUTO"),
        _where(_within("tracking", shortenUrl=False), encrypted=True),
    ]
}
