"""Text of several encodings to UTF-8. What is not certain is refused: a name must not arrive garbled.

UTF-8 with or without a byte order mark, UTF-16 with a mark or recognised by its zero bytes, and
Windows-1258 where the text can be nothing but Vietnamese. Older Vietnamese encodings (TCVN3, VNI) and
other Windows pages are recognised as "not these" and refused.
"""

import codecs
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Literal

from zalosync.audience.broken import Code, broken
from zalosync.errors import SpecError

Encoding = Literal["utf-8", "utf-16", "windows-1258"]

_UTF8_MARK = codecs.BOM_UTF8
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAMPLE = 4_096  # bytes in which zero bytes are counted
_MARKS = "\u0300\u0301\u0303\u0309\u0323"  # the five tones, which Windows-1258 writes after their letter
_VOWELS = frozenset("aăâeêioôơuưy")
_LETTERS = frozenset("àáâăãèéêìíòóôõơùúưýđ" + "aăâeêioôơuưy")  # what Vietnamese needs beyond ASCII
_LEAST_MARKED = 10  # of so many letters beyond ASCII at least one has a tone mark of its own


def utf8(
    blocks: Iterable[bytes], file: str, note: Callable[[str], object], declared: Encoding | None = None
) -> Iterator[bytes]:
    """The same text in UTF-8 without a byte order mark.

    Args:
        blocks: the file's bytes.
        file: for errors.
        note: told, in a sentence, when the encoding was recognised and not declared.
        declared: the encoding as the spec says it; None: it is recognised, or refused.

    Raises:
        SpecError: the encoding cannot be told, or the bytes do not fit it.
    """
    stream = iter(blocks)
    first = next(stream, b"")
    if declared is not None:
        yield from _declared(first, stream, declared, file)
        return
    if first.startswith(_UTF8_MARK):
        yield from chain([first[len(_UTF8_MARK) :]], stream)
        return
    wide = _utf16(first)
    if wide:
        if not first.startswith(_UTF16_MARKS):
            note(f"{file} was recognised as UTF-16 without a byte order mark")
        yield from _recoded(chain([first], stream), wide, file)
        return
    line = 1
    for block in chain([first], stream):
        if block.isascii():
            yield block
            line += block.count(b"\n")
        elif _is_utf8(block):
            yield from chain([block], stream)
            return
        elif _is_windows_1258(block):
            note(f"{file} was recognised as Windows-1258; save it as UTF-8 to be certain")
            yield from _recoded(chain([block], stream), "cp1258", file, line)
            return
        else:
            raise _unknown(block, file, line)


def _declared(first: bytes, rest: Iterator[bytes], encoding: Encoding, file: str) -> Iterator[bytes]:
    """Text in the encoding that the spec says; a mark that says another one wins over nothing."""
    marked = "utf-8" if first.startswith(_UTF8_MARK) else ""
    marked = "utf-16" if first.startswith(_UTF16_MARKS) else marked
    if marked and marked != encoding:
        message = f"the file begins with the mark of {marked.upper()}, and `encoding` says {encoding}"
        raise broken(Code.ENCODING, file, 1, message, allowed=f"encoding: {marked}")
    if encoding == "utf-8":
        yield from chain([first.removeprefix(_UTF8_MARK)], rest)
    elif encoding == "utf-16":
        yield from _recoded(chain([first], rest), _utf16(first) or "utf-16-le", file)
    else:
        yield from _recoded(chain([first], rest), "cp1258", file)


def _utf16(first: bytes) -> str:
    """The UTF-16 that the text begins like, or nothing."""
    if first.startswith(_UTF16_MARKS):
        return "utf-16"
    sample = first[:_SAMPLE]
    high, low = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if half and low > half * 0.4 and not high:
        return "utf-16-le"
    return "utf-16-be" if half and high > half * 0.4 and not low else ""


def _recoded(blocks: Iterable[bytes], encoding: str, file: str, line: int = 1) -> Iterator[bytes]:
    """Decoded and encoded again; letters and marks are put together with the values, later."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in blocks:
            text = decoder.decode(block)
            yield text.encode()
            line += text.count("\n")
        yield decoder.decode(b"", final=True).encode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line += before.decode(encoding, errors="ignore").count("\n")
        message = f"the text was taken for {encoding.upper()}, but from here on it is not"
        raise broken(Code.ENCODING, file, line, message, allowed="UTF-8") from None


def _is_utf8(block: bytes) -> bool:
    """True where the block is UTF-8, but for a letter that is cut off at its end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block)
    except UnicodeDecodeError:
        return False
    return True


def _is_windows_1258(block: bytes) -> bool:
    """True for text that reads as Vietnamese in Windows-1258 and as nothing sensible in its neighbours.

    The tone marks are letters in Windows-1252 (`Ì Ò Þ ì ò þ`). So a text counts as Vietnamese only where it
    has some, each stands behind a vowel, and every other letter beyond ASCII is one that Vietnamese uses.
    """
    try:
        text = block.decode("cp1258").lower()
    except UnicodeDecodeError:
        return False
    beyond = marks = 0
    before = ""
    for letter in text:
        if letter in _MARKS:
            if before not in _VOWELS:
                return False
            marks += 1
        elif letter.isalpha() and not letter.isascii():
            if letter not in _LETTERS:
                return False
            beyond += 1
        before = letter
    return marks > 0 and marks * _LEAST_MARKED >= beyond


def _unknown(block: bytes, file: str, line: int) -> SpecError:
    try:
        block.decode()
    except UnicodeDecodeError as error:
        line += block.count(b"\n", 0, error.start)
    message = "the encoding cannot be told: not UTF-8 from here on, and not surely Windows-1258"
    return broken(Code.ENCODING, file, line, message, allowed="save the file as UTF-8")
