"""The page of the language, made from the models: every key with its type, default, limit and example."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from zalosync.spec import patterns
from zalosync.spec.document import MAX_BYTES, MAX_DEPTH, MAX_NODES
from zalosync.spec.emit import key_text, quoted
from zalosync.spec.outline import Schema, choices_of, resolved, schema_of
from zalosync.spec.regions import REGIONS
from zalosync.spec.schema import KINDS
from zalosync.spec.values import Shape

_HEAD = f"""\
# The spec language, `zalosync/v1`

This page is made from the models that read the specs (`zalosync/spec/`): it says what is so.

A project is a folder with `zalosync.yaml`; campaigns and policies are files that it lists. Every file is
YAML 1.2 in UTF-8, one document of at most {MAX_BYTES // 1024:,} KiB, {MAX_NODES:,} values and
{MAX_DEPTH} levels, without anchors, aliases, merge keys, tags or directives. Unknown keys, doubled keys, keys
without a value and unquoted numbers where text is due (senders, phones, times of day) are errors.

`zalosync validate` reports all errors of all files at once, `zalosync explain CODE` says more about each,
`zalosync fmt` writes files in their canonical form, and editors complete and check keys by the JSON Schema
that a file's first line names (`zalosync schema`).

Paths are relative to the file that names them, with forward slashes, and stay inside the project; no link is
followed. In lists of paths, `*` and `?` stay inside one name, and `**` stands for any folders. Templates
(`{{{{ … }}}}`) are described in [templates.md](templates.md).

Columns of the tables: the key; its type, with what may stand there; its default, or **required**; an example;
what it means.
"""
_TITLES: Mapping[str, str] = {
    "project": "Project: `zalosync.yaml`",
    "campaign": "Campaign",
    "policy": "Policy: what no campaign may override",
    "prices": "Prices: the file that `prices` names",
    "templates-lock": "Pinned templates: `templates.lock.yaml`",
}
_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


_MEANING = """\
## Meaning that is easy to get wrong

- **Identity.** A message is its campaign's first name, its occurrence and its key. Content is no part of
  it: a changed text, template or schedule never sends again. Only a higher `occurrence` messages the same
  people again.
- **Renames.** List the old name in `previousNames`, oldest first. Identities are made from the first of
  them for ever, so a name in any list may be nobody else's, neither now nor before.
- **Times.** With an offset they are what they say. Without one they are wall times in the project's
  `timezone`; one that the clock skips or shows twice there is an error. `sendAt` may be 180 days ahead.
- **`mode`.** `provider` hands `sendAt` to Infobip, and nothing can recall it. `hold` keeps messages until
  they are due; `apply --due`, from cron or a CI schedule, then sends those that are still what was
  approved. One with another text or phone stays held, with a finding; one whose row or campaign is gone is
  cancelled by the next plan. A run that would have to wait over a quarter of an hour for its next slot (a
  window that closed for the night) ends instead, and says from when on the next one goes on.
- **Delivery window.** Written in its time zone, sent in UTC; the weekdays move with it: Mondays 02:00 to
  06:00 in Viet Nam are Sundays 19:00 to 23:00 in UTC. A window that would run over midnight in UTC is an
  error that says which bounds would not. Without `from` and `to` it is whole days, which only all seven
  days mean the same way everywhere.
- **Validity.** At most 48 hours: the provider would cut a longer one without a word. `{amount}` alone means
  MINUTES; `{amount}` alone of a speed limit means MINUTE.
- **Speed limit.** For the whole campaign, over all requests and runs.
- **Tracking.** The provider shortens links unless it is told not to; zalosync tells it not to unless you
  ask for it.
- **Failover text.** Plain text even when the campaign is `encrypted`; a policy may forbid it.
- **Retries.** Only after failures that are known and final. A message that may have been seen is never sent
  again.
- **Policies.** All of them hold at once, and the strictest counts. What no policy names is not limited. A
  rule that makes a finding weaker than it is, is a waiver: `{severity: off, reason: "…", until:
  2027-01-31}`. What would have blocked is never hidden: while it is waived it stays a warning, with the
  waiver's reason and end.
- **What a digest covers.** A sealed plan holds the meaning of each spec: comments, order of keys, quotes,
  notes (`description`, `owner`, `labels`) and the places of files can change without making it stale. It
  also holds that of each policy with the file of its `allowedSigners`, the pinned contract of each
  template, and of the project file `allowedWebhookHosts` and, of its environment, the address, `apiKey`,
  `protected`, `publicKeys`, `mgf1`, `reportsPath` and `batchSize`.
"""


def reference_text() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD]
    for kind, title in _TITLES.items():
        model = KINDS[kind]
        parts.append(f"## {title}\n\n{schema_of(model).get('description', '')}\n")
        parts += _tables(model)
    return "\n".join([*parts, _MEANING])


def _tables(model: type[Shape]) -> Iterator[str]:
    """A table for each mapping of the language, in the order in which they are met."""
    waiting: list[tuple[str, Schema]] = [("", schema_of(model))]
    while waiting:
        path, schema = waiting.pop(0)
        rows: list[str] = []
        inner: list[tuple[str, Schema]] = []
        required = schema.get("required", ())
        for key, given in schema.get("properties", {}).items():
            here = f"{path}.{key}" if path else key
            rows.append(_row(model, key, given, required=key in required))
            inner += _mappings(model, here, given)
        waiting = [*inner, *waiting]
        if path:
            yield f"### `{path}`\n\n{schema.get('description', '')}\n"
        yield "| key | type | default | example | meaning |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _mappings(model: type[Shape], path: str, given: Schema) -> Iterator[tuple[str, Schema]]:
    """The mappings below a key that have keys of their own in the language."""
    if "$ref" not in json.dumps(given):
        return
    schema = resolved(model, given)
    if "properties" in schema:
        yield path, schema
    elif isinstance(schema.get("items"), dict):
        yield from _mappings(model, f"{path}[]", schema["items"])
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from _mappings(model, f"{path}.<name>", schema["additionalProperties"])


def _row(model: type[Shape], key: str, given: Schema, *, required: bool) -> str:
    schema = resolved(model, given)
    kind = _kind(model, given)
    default = "**required**" if required else _default(given)
    examples = given.get("examples") or schema.get("examples")
    example = f"`{_cell(_flow(examples[0]))}`" if examples else ""
    return f"| `{key}` | {kind} | {default} | {example} | {_cell(given.get('description', ''))} |"


def _default(given: Schema) -> str:
    if "default" not in given:
        return "see its meaning" if "anyOf" in given else "none"
    value = given["default"]
    if value is None or value in ({}, [], ""):
        return "none"
    return f"`{_cell(_flow(value))}`"


def _kind(model: type[Shape], given: Schema) -> str:
    """The type in words, with its limits."""
    if "anyOf" in given:
        kinds = [_kind(model, choice) for choice in given["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    schema = resolved(model, given)
    if choices := choices_of(schema):
        if [*choices] == REGIONS:
            return f"country: two capital letters, one of {len(choices)}"
        return ", ".join(f"`{choice}`" for choice in choices)
    if "properties" in schema and "$ref" not in given:
        keys = ", ".join(
            f"{key}{'' if key in schema.get('required', ()) else '?'}" for key in schema["properties"]
        )
        return f"{{{keys}}}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties")
        limit = _entries(schema, "Properties")
        return "mapping" if "properties" in schema else f"mapping of {_kind(model, values or {})}{limit}"
    if schema.get("type") == "array":
        return f"list of {_kind(model, schema.get('items', {}))}{_entries(schema, 'Items')}"
    limit = _limit(schema)
    return limit.removeprefix(": ") if limit.startswith(": ") else f"{_WORDS[str(schema.get('type'))]}{limit}"


def _limit(schema: Schema) -> str:
    if schema.get("pattern") in patterns.WORDS:
        return f": {patterns.WORDS[schema['pattern']]}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" {low:,} to {high:,}"
    if low is not None:
        return f" from {low:,}"
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    words = [f"{shortest:,} to {longest:,} characters"] if longest and shortest else []
    words += [f"up to {longest:,} characters"] if longest and not shortest else []
    told = schema.get("pattern", patterns.PRINTABLE)
    words += [] if told == patterns.PRINTABLE else [f"form `{_cell(told)}`"]
    return f", {', '.join(words)}" if words else ""


def _entries(schema: Schema, what: str) -> str:
    least, most = schema.get(f"min{what}"), schema.get(f"max{what}")
    if least and most:
        return f", {least:,} to {most:,}"
    return f", up to {most:,}" if most else f", at least {least:,}" if least else ""


def _flow(value: Any) -> str:
    """A value as it is written in YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_text(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(_flow(each) for each in value)}]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
