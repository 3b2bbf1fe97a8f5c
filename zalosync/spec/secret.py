"""Secrets: named in the project file, never written there, and never printed.

A reference names an environment variable or a file. A secret's value leaves this module only through
`Secret.reveal`, so that a look at its callers is a look at every place that could leak it.
"""

import hmac
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, BinaryIO, NoReturn

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from zalosync.errors import UsageError
from zalosync.spec.safe_open import FileRefused, open_inside
from zalosync.spec.values import Shape

MAX_SECRET_BYTES = 16 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Secret:
    """A value that cannot be printed, formatted, logged, compared by hash or pickled by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; call it only where it goes on the wire or into a cipher."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled; hand it over in another way")


def _variable(value: str) -> str:
    if not (value.isascii() and value.replace("_", "a").isalnum() and not value[0].isdigit()):
        raise PydanticCustomError("ZS136", "an environment variable's name is letters, digits and `_`")
    return value


class SecretRef(Shape):
    """Where a secret is: an environment variable, or a file of mode 0600 that Git ignores."""

    env: Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_variable)] | None = Field(
        default=None,
        description="An environment variable; `<name>_FILE` may name a file with the value instead.",
        examples=["INFOBIP_API_KEY"],
    )
    file: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None,
        description="A file inside the project, relative to the project file, mode 0600, ignored by Git.",
        examples=["secrets/api-key"],
    )

    @model_validator(mode="after")
    def _one_place(self) -> "SecretRef":
        if (self.env is None) == (self.file is None):
            raise PydanticCustomError("ZS143", "write either `env` or `file`")
        return self

    def __str__(self) -> str:
        return f"the environment variable {self.env}" if self.env else f"the file {self.file}"


def resolve(ref: SecretRef, environ: Mapping[str, str], project_root: Path) -> Secret:
    """Read the secret that a reference names.

    Args:
        ref: from the project file.
        environ: the environment variables; `X_FILE` is honoured where `X` is named.
        project_root: the folder that `file` is relative to, and inside.

    Raises:
        UsageError: it is not set, set twice, empty, more than one line, or its file is not safe. The message
            names the variable or the file, never what is in it.
    """
    if ref.file is not None:
        return _from_project_file(ref.file, project_root)
    assert ref.env is not None
    direct, mounted = environ.get(ref.env), environ.get(f"{ref.env}_FILE")
    if direct and mounted:
        raise UsageError(f"both {ref.env} and {ref.env}_FILE are set", fix="unset one of them", code="ZS150")
    if direct:
        return _checked(direct, f"the environment variable {ref.env}")
    if mounted:
        return _from_mounted_file(mounted, f"{ref.env}_FILE")
    raise UsageError(
        f"the environment variable {ref.env} is not set", fix=f"set {ref.env} or {ref.env}_FILE", code="ZS150"
    )


def _from_project_file(relative: str, root: Path) -> Secret:
    try:
        file = open_inside(root, relative, max_bytes=MAX_SECRET_BYTES)
    except FileRefused as error:
        raise UsageError(
            f"{error.relative}: {error.reason}",
            fix="name a file inside the project that holds the secret, mode 0600",
            code="ZS151",
        ) from error
    with file:
        facts = os.fstat(file.fileno())
        if facts.st_mode & _OTHERS:
            raise UsageError(
                f"{relative}: others may read or write this secret (mode {stat.S_IMODE(facts.st_mode):04o})",
                fix=f"chmod 600 {relative}",
                code="ZS151",
            )
        if facts.st_uid not in {os.geteuid(), 0}:
            raise UsageError(f"{relative}: this secret's file belongs to another user", code="ZS151")
        return _checked(_text(file, relative), relative)


def _from_mounted_file(path: str, variable: str) -> Secret:
    """Read a file that the caller's environment names: an orchestrator mounts it where and how it likes."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the name is not usable"
        raise UsageError(
            f"{variable} names a file that cannot be opened: {reason}",
            fix="mount it, or correct the path",
            code="ZS151",
        ) from error
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_SECRET_BYTES:
        os.close(descriptor)
        raise UsageError(
            f"{variable} does not name a regular file of at most {MAX_SECRET_BYTES:,} bytes", code="ZS151"
        )
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if facts.st_mode & stat.S_IWOTH:
            raise UsageError(
                f"{variable} names a file that everybody may write", fix="chmod o-w", code="ZS151"
            )
        return _checked(_text(file, variable), f"the file that {variable} names")


def _text(file: BinaryIO, where: str) -> str:
    try:
        text = file.read(MAX_SECRET_BYTES + 1).decode()
    except UnicodeDecodeError:
        raise UsageError(f"{where}: the secret is not text", code="ZS151") from None
    return text.removesuffix("\n").removesuffix("\r")


def _checked(value: str, where: str) -> Secret:
    if not value.strip():
        raise UsageError(f"{where}: the secret is empty", fix="set its value", code="ZS150")
    if value != value.strip() or not value.isprintable():
        raise UsageError(
            f"{where}: the secret has white space around it or an invisible character",
            fix="set it again",
            code="ZS150",
        )
    return Secret(value)
