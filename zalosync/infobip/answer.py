"""What an answer says: JSON of the provider to neutral records, pure functions.

Fields we do not know are ignored, fields we need are checked to the letter, and what does not fit is
named and proves nothing: an answer may come from a firewall or a captive portal as well.
"""

import json
import re
from contextlib import suppress
from functools import lru_cache
from typing import Any, NoReturn, TypeGuard

import orjson

from zalosync.provider import GROUP_BY_ID, AnswerRow, Group, Malformed, ProviderError, ProviderStatus

INT32 = range(-(2**31), 2**31)
MOST_VIOLATIONS = 20  # enough to see the pattern; a bad batch names every message
_LONGEST_WORDS = 300  # characters of foreign text in one of our sentences
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_PERSONAL = re.compile(r"\d{7,}|[^ -~]+")  # phones and the like, and all that is not English


class _DuplicateKeysError(ValueError):
    """An object names a key twice: two readers of it may see two different answers."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    whole = dict(pairs)
    if len(whole) != len(pairs):
        raise _DuplicateKeysError
    return whole


def no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON."""
    raise ValueError(name)


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=no_constant)


def strict_json(body: bytes) -> Any:
    """Any JSON value, or why it is none. Strict UTF-8, no NaN, no key twice."""
    if not body.strip():
        return Malformed.EMPTY
    # What comes out again as it came in, to the byte, has no key twice, and nothing that readers differ on.
    # Most answers do, and are read so in a tenth of the time.
    with suppress(ValueError, TypeError):
        read = orjson.loads(body)
        if orjson.dumps(read) == body:
            return read
    try:
        return _STRICT.decode(body.decode("utf-8"))
    except _DuplicateKeysError:
        return Malformed.DUPLICATE_KEYS
    except (ValueError, RecursionError):
        return Malformed.JSON


def read_send_answer(body: bytes) -> tuple[AnswerRow, ...] | Malformed:
    """The rows of a 2xx answer to a send, in its order, or why it is not such an answer."""
    answer = strict_json(body)
    if isinstance(answer, Malformed):
        return answer
    if not isinstance(answer, dict) or not isinstance(answer.get("messages"), list):
        return Malformed.SHAPE
    rows = [_answer_row(row) for row in answer["messages"]]
    whole = tuple(row for row in rows if row is not None)
    return whole if len(whole) == len(rows) else Malformed.SHAPE


def _answer_row(row: Any) -> AnswerRow | None:
    if not isinstance(row, dict):
        return None
    message_id, destination = row.get("messageId"), row.get("destination")
    status = _answer_status(row.get("status"))
    if not isinstance(message_id, str) or not message_id or status is None:
        return None
    if destination is not None and not isinstance(destination, str):
        return None
    return AnswerRow(message_id, destination, status)


def is_code(value: Any) -> TypeGuard[int]:
    """Whether a value is a 32-bit number, as ids of statuses, groups and errors are."""
    return type(value) is int and value in INT32


def _answer_status(status: Any) -> ProviderStatus | None:
    """A status whose group id and name say the same, or None."""
    if not isinstance(status, dict):
        return None
    group_id, group = status.get("groupId"), status.get("groupName")
    status_id, name = status.get("id"), status.get("name", "")
    # By exact type: in Python, True and 1.0 are the same key as 1.
    if type(group_id) is not int or type(status_id) is not int:
        return None
    if type(group) is not str or type(name) is not str:
        return None
    return _known_status(group_id, group, status_id, name)


@lru_cache(maxsize=256)
def _known_status(group_id: int, group: str, status_id: int, name: str) -> ProviderStatus | None:
    """Looked at once each: a batch has a hundred rows and a status or two."""
    known = GROUP_BY_ID.get(group_id)
    if known is None or not is_code(status_id):
        return None
    # Group 0 goes by two names: OK in the general tables, ACCEPTED in this API's list of groups.
    if group != known and not (known is Group.OK and group == Group.ACCEPTED):
        return None
    return ProviderStatus(group_id, group, status_id, name)


def read_error(body: bytes) -> ProviderError | None:
    """The provider's error body in either shape, or None for a body that somebody else wrote.

    The rule that a refusal is proven by: a JSON object with `errorCode` and `description`, or with
    `requestError.serviceException`.
    """
    answer = strict_json(body)
    if not isinstance(answer, dict):
        return None
    code, description = answer.get("errorCode"), answer.get("description")
    if isinstance(code, str) and isinstance(description, str):
        return ProviderError(plain(code), plain(description), _violations(answer.get("violations")))
    request_error = answer.get("requestError")
    old = request_error.get("serviceException") if isinstance(request_error, dict) else None
    if not isinstance(old, dict):
        return None
    fields = old.get("validationErrors")
    named = tuple(plain(name) for name in fields) if isinstance(fields, dict) else ()
    return ProviderError(plain(old.get("messageId")), plain(old.get("text")), named[:MOST_VIOLATIONS])


def plain(words: Any) -> str:
    """Words of the provider, fit for a terminal and a log: no control characters, no personal data.

    What stands in quotes, long numbers and letters outside ASCII are replaced: an error may quote the
    value it complains about.
    """
    if not isinstance(words, str):
        return ""
    return _PERSONAL.sub("…", _QUOTED.sub("…", words))[:_LONGEST_WORDS]


def _violations(found: Any) -> tuple[str, ...]:
    """`property: rule`, without a value."""
    if not isinstance(found, list):
        return ()
    pairs = [(one.get("property"), one.get("violation")) for one in found if isinstance(one, dict)]
    return tuple(f"{plain(path)}: {plain(rule)}" for path, rule in pairs[:MOST_VIOLATIONS])
