"""The one opener for files that a project names: inside the project, regular, and never through a link.

Everything in a repository may have been written by somebody who cannot be trusted with the runner's other
files. So a name is taken apart before it is used, each folder on the way is opened from its parent's
descriptor without following links, and what was opened is looked at through that same descriptor: nothing
can be swapped between the check and the use. Messages name the path, never the content.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from zalosync.errors import Place, Problem, SpecError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a pipe or a device must not hang the open; it means nothing to a regular file.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAGIC = re.compile(r"[*?\[]")
MAX_PATH_CHARACTERS = 1024
MAX_GLOB_ENTRIES = 100_000  # directory entries looked at for one pattern


class FileRefused(SpecError):
    """A named file may not be opened, or is not there. `reason` is a clause without the file's name."""

    def __init__(self, code: str, relative: str, reason: str) -> None:
        super().__init__([Problem(code=code, place=Place(printable(relative)), path="", message=reason)])
        self.relative = relative
        self.reason = reason


def printable(text: str) -> str:
    """The text with what could hide or fake a line of output replaced by `?`."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def inside(relative: str | Path, *, named_in: str = "") -> str:
    """The normalised path, from the project root, of what a file of the project names.

    Args:
        relative: as written, with forward slashes; `..` is fine as long as it stays inside the project.
        named_in: the file that names it, from the project root; empty for names relative to the root.

    Raises:
        FileRefused: the name is empty, absolute, not portable, or leaves the project.
    """
    text = str(relative)
    if not text or text == ".":
        raise FileRefused("ZS109", text, "the path is empty")
    if len(text) > MAX_PATH_CHARACTERS:
        raise FileRefused("ZS109", text[:40], f"the path has more than {MAX_PATH_CHARACTERS:,} characters")
    if text.startswith("~") or "\\" in text or not text.isprintable():
        raise FileRefused("ZS109", text, "a path has forward slashes, no `~` and no invisible character")
    if text.startswith("/") or re.match(r"[A-Za-z]:", text) or "://" in text:
        raise FileRefused("ZS109", text, "a path is relative to the file that names it, never absolute")
    parts = list(Path(named_in).parent.parts) if named_in else []
    for part in text.split("/"):
        if part == "..":
            if not parts:
                raise FileRefused("ZS102", text, "the path leaves the project")
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    if not parts:
        raise FileRefused("ZS104", text, "this is the project's folder, not a file")
    return "/".join(parts)


def open_inside(root: Path, relative: str | Path, *, max_bytes: int) -> BinaryIO:
    """Open a regular file of the project for reading, unbuffered; the caller closes it.

    The reader may also be handed `/dev/fd/<fileno>`: name and content cannot come apart.

    Args:
        root: the project's folder; the only path that may contain links.
        relative: from the root, see `inside`.
        max_bytes: the largest size that is accepted.

    Raises:
        FileRefused: missing, outside, a link, not a regular file, has a second name, or too large.
    """
    name = inside(relative)
    parts = name.split("/")
    folder = _open_part(str(root), name, None, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            deeper = _open_part(part, name, folder, _FOLDER)
            os.close(folder)
            folder = deeper
        descriptor = _open_part(parts[-1], name, folder, _FILE)
    finally:
        os.close(folder)
    try:
        _check_opened(os.fstat(descriptor), name, max_bytes)
    except FileRefused:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb", buffering=0)


def read_inside(root: Path, relative: str | Path, *, max_bytes: int) -> bytes:
    """The whole content of a small file of the project.

    Raises:
        FileRefused: as `open_inside`; also where the file grew past `max_bytes` while it was read.
    """
    with open_inside(root, relative, max_bytes=max_bytes) as file:
        chunks: list[bytes] = []
        size = 0
        while chunk := file.read(1 << 20):
            size += len(chunk)
            if size > max_bytes:
                raise FileRefused("ZS106", str(relative), _too_large(max_bytes))
            chunks.append(chunk)
    return b"".join(chunks)


def is_glob(relative: str) -> bool:
    """Whether the name is a pattern: it has `*`, `?` or `[`."""
    return _MAGIC.search(relative) is not None


def glob_inside(root: Path, pattern: str | Path) -> tuple[str, ...]:
    """The files of the project that match, sorted, as paths from the root.

    `*` and `?` stay inside one name, `[…]` is a set of letters, `**` stands for any folders. Hidden names
    match only a part that itself begins with a dot. Links are not followed, and a link that matches is
    returned, so that opening it says why it is refused.

    Raises:
        FileRefused: the pattern leaves the project, or more than 100,000 entries would have to be looked at.
    """
    name = inside(pattern)
    walk = _Walk(name)
    try:
        found = set(walk.files(str(root), "", tuple(name.split("/"))))
    except OSError as error:
        raise FileRefused("ZS107", name, f"cannot list the folder: {_words(error)}") from error
    return tuple(sorted(found))


@dataclass(slots=True)
class _Walk:
    """One expansion of a pattern; counts what it looks at."""

    pattern: str
    seen: int = 0

    def files(self, folder: str, prefix: str, parts: tuple[str, ...]) -> Iterator[str]:
        head, rest = parts[0], parts[1:]
        if head == "**":
            yield from self.files(folder, prefix, rest or ("*",))
        matches = _part_pattern("*" if head == "**" else head)
        with os.scandir(folder) as entries:
            present = sorted(entries, key=lambda entry: entry.name)
        for entry in present:
            self.seen += 1
            if self.seen > MAX_GLOB_ENTRIES:
                reason = f"the pattern would look at more than {MAX_GLOB_ENTRIES:,} files; name a folder"
                raise FileRefused("ZS108", self.pattern, reason)
            if matches.fullmatch(entry.name) is None:
                continue
            here = f"{prefix}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                if head == "**":
                    yield from self.files(entry.path, f"{here}/", parts)
                elif rest:
                    yield from self.files(entry.path, f"{here}/", rest)
            elif not rest and head != "**":
                yield here


def _part_pattern(part: str) -> re.Pattern[str]:
    pieces: list[str] = [] if part.startswith(".") else [r"(?!\.)"]
    position = 0
    while position < len(part):
        letter = part[position]
        end = part.find("]", position + 2) if letter == "[" else -1
        if letter == "*":
            pieces.append(r"[^/]*")
        elif letter == "?":
            pieces.append(r"[^/]")
        elif end > 0:
            body = part[position + 1 : end].replace("[", r"\[").replace("&", r"\&").replace("~", r"\~")
            pieces.append(f"[^{body[1:]}]" if body.startswith("!") else f"[{body}]".replace("[^", r"[\^"))
            position = end
        else:
            pieces.append(re.escape(letter))
        position += 1
    try:
        return re.compile("".join(pieces))
    except re.error:
        return re.compile(re.escape(part))


def _open_part(part: str, name: str, folder: int | None, flags: int) -> int:
    try:
        return os.open(part, flags, dir_fd=folder)
    except OSError as error:
        raise _refusal(error, part, name, folder) from error


def _refusal(error: OSError, part: str, name: str, folder: int | None) -> FileRefused:
    if error.errno == errno.ENOENT:
        return FileRefused("ZS101", name, "there is no such file")
    if _is_link(part, folder):
        return FileRefused("ZS103", name, "a symbolic link is on the way; links are not followed")
    if error.errno == errno.ENOTDIR:
        return FileRefused("ZS101", name, "there is no such file: a part of the path is not a folder")
    if error.errno == errno.ENXIO:
        return FileRefused("ZS104", name, "it is not a regular file")
    return FileRefused("ZS107", name, f"cannot open it: {_words(error)}")


def _is_link(part: str, folder: int | None) -> bool:
    try:
        return stat.S_ISLNK(os.stat(part, dir_fd=folder, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _words(error: OSError) -> str:
    return (error.strerror or "input/output error").lower()


def _check_opened(facts: os.stat_result, name: str, max_bytes: int) -> None:
    if not stat.S_ISREG(facts.st_mode):
        kind = "a folder" if stat.S_ISDIR(facts.st_mode) else "a device, pipe or socket"
        raise FileRefused("ZS104", name, f"it is {kind}, not a regular file")
    if facts.st_nlink != 1:
        raise FileRefused("ZS105", name, f"the file has {facts.st_nlink} names (hard links); copy it instead")
    if facts.st_size > max_bytes:
        raise FileRefused("ZS106", name, f"{_too_large(max_bytes)}, it has {facts.st_size:,}")


def _too_large(max_bytes: int) -> str:
    return f"the file is too large: at most {max_bytes:,} bytes are accepted"
