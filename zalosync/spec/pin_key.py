"""The fingerprint of a sender's RSA key, written into the project file; nothing else in it changes."""

from copy import deepcopy
from typing import Any

from zalosync.errors import InternalError, SpecError
from zalosync.spec.document import read_document
from zalosync.spec.emit import Entry, Node
from zalosync.spec.format import tree_of

_KEY = "publicKeys"


def with_public_key(data: bytes, file: str, environment: str, sender: str, fingerprint: str) -> str:
    """The project file with this fingerprint in `publicKeys` of the environment.

    Args:
        data: the file as it is.
        file: its path, for errors.
        environment: one that it has.
        sender: whose key it is.
        fingerprint: `sha256:` and 64 hexadecimal digits.

    Raises:
        SpecError: it is not YAML that this language accepts.
        InternalError: writing would change something else; the file is to be left as it is.
    """
    document = read_document(data, file)
    if document.problems:
        raise SpecError(list(document.problems))
    source = data.decode()
    text = _written(source.replace("\r\n", "\n"), environment, sender, fingerprint)
    if "\r\n" in source:
        text = text.replace("\n", "\r\n")
    wanted: Any = deepcopy(document.value)
    settings = wanted["spec"]["environments"][environment]
    settings[_KEY] = {**(settings.get(_KEY) or {}), sender: fingerprint}
    again = read_document(text.encode(), file)
    if again.problems or again.value != wanted:
        raise InternalError(f"{file}: pinning would change more than the pin; it is left as it is")
    return text


def _written(source: str, environment: str, sender: str, fingerprint: str) -> str:
    environments = _entry(_entry(tree_of(source), "spec").value, "environments").value
    settings = _entry(environments, environment)
    pins = next((each for each in settings.value.entries if each.key == _KEY), None)
    line = f'"{sender}": {fingerprint}'
    if pins is None:
        if settings.value.flow:
            return _with(source, settings.value, [f"{_KEY}: {{{line}}}"])
        step = " " * (settings.value.entries[0].column - settings.column)
        return _with(source, settings.value, [f"{_KEY}:", step + line])
    before = next((each for each in pins.value.entries if each.key == sender), None)
    if before is None:
        return _with(source, pins.value, [line])
    begin, end = before.value.span
    return source[:begin] + fingerprint + source[end:]


def _entry(node: Node, key: str) -> Entry:
    return next(each for each in node.entries if each.key == key)


def _with(source: str, mapping: Node, added: list[str]) -> str:
    """The source with these lines at the end of a mapping; comments behind it stay behind it."""
    if mapping.flow:
        end = mapping.span[1] - 1
        return f"{source[:end].rstrip()}{', ' if mapping.entries else ''}{added[0]}{source[end:]}"
    lines = source.split("\n")
    at = mapping.entries[-1].value.last + 1
    indent = " " * mapping.entries[0].column
    return "\n".join([*lines[:at], *(indent + each for each in added), *lines[at:]])
