"""An Excel workbook made safe to open: a zip of XML, checked part by part and packed anew.

A spreadsheet reader holds a sheet in memory as a grid, as wide and as long as its outermost cells, with each
text copied into its cell. A file of a few hundred bytes can name a cell at the far corner, or one text a
million times. So what decides about memory is counted first, and the reader is given a new zip of exactly
the bytes that were counted: the two cannot disagree about what is in the file.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits

_MOST_PARTS = 1_000
_MOST_CELLS = 10_000_000  # of one sheet's grid, empty ones included
_MOST_TEXT = 2_000_000_000  # bytes, were the longest shared text in every cell
_STEP = 1 << 20
_SHEETS = "xl/worksheets/"
_FIRST_SHEET = "xl/worksheets/sheet1.xml"
_CELL = re.compile(rb"[<:]c[\s/>]")
_PLACE = re.compile(
    rb' r="([A-Za-z]{0,3})([0-9]{1,10})"'
)  # as every program writes it; another way is refused
_TEXT_END = re.compile(rb"si\s*>")
_FIRST_VALUE = re.compile(rb"""<c\s[^>]*?r="[A-Z]{1,3}([0-9]{1,7})"[^>]*>\s*<(?:v|is)\b""")
_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Workbook:
    """A workbook that may be opened.

    Args:
        data: its bytes.
        first_row: the row (from 1) of its first sheet's first value.
        size: bytes of all its parts when they are decompressed, and of its texts were they all the longest.
    """

    data: bytes
    first_row: int
    size: int


def checked_workbook(data: bytes, file: str, limits: Limits) -> Workbook:
    """The same workbook, packed anew without what is not needed to read cells.

    Raises:
        SpecError: damaged, encrypted, too large when decompressed, with a DTD, or made to exhaust memory.
    """
    packed = io.BytesIO()
    first_row, cells, longest, size = 1, 0, 0, 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name, content in _parts(data, file, limits):
            if b"\0" in content or (b"<!" in content and _DECLARATION.search(content)):
                message = "the workbook has a document type, entities or zero bytes in its XML"
                raise broken(Code.COMPRESSION, file, 1, message, allowed="save it as CSV")
            if name.startswith(_SHEETS):
                cells += _checked_cells(content, file)
            if name == _FIRST_SHEET and (found := _FIRST_VALUE.search(content)):
                first_row = int(found[1])
            longest = max(longest, _longest_text(content))
            size += len(content)
            new.writestr(name, content)
    if cells * longest > _MOST_TEXT:
        message = f"the workbook has {cells:,} cells and texts of up to {longest:,} bytes"
        raise broken(Code.TOO_LARGE, file, 1, message, allowed="save it as CSV")
    return Workbook(packed.getvalue(), first_row, size + cells * longest)


def _parts(data: bytes, file: str, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Name and content of each XML part, as long as all of them together are small enough."""
    allowed = min(limits.workbook, limits.ratio * len(data))
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            wanted = [info for info in archive.infolist() if info.filename.endswith((".xml", ".rels"))]
            if len(wanted) > _MOST_PARTS or len({info.filename for info in wanted}) != len(wanted):
                raise broken(Code.COMPRESSION, file, 1, "the workbook has too many parts, or one part twice")
            for info in wanted:
                content = _inflated(archive, info, allowed - total)
                total += len(content)
                if total > allowed:
                    message = "the workbook is too large when decompressed"
                    raise broken(Code.COMPRESSION, file, 1, message, allowed=f"at most {allowed:,} bytes")
                yield info.filename, content
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        message = "the file is no Excel workbook (.xlsx), or a damaged or encrypted one"
        raise broken(Code.FORMAT, file, 1, message) from None


def _inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowed: int) -> bytes:
    """What the part really holds, whatever size it declares; some bytes too many where it is too large."""
    info.file_size = allowed + 2 * _STEP  # an end that is not reached, lest the check sum be asked there
    content = io.BytesIO()
    with archive.open(info) as stream:
        while content.tell() <= allowed and (step := stream.read(_STEP)):
            content.write(step)
    return content.getvalue()


def _checked_cells(sheet: bytes, file: str) -> int:
    """How many cells a sheet has, once its grid is known to be small enough."""
    cells = sum(1 for _ in _CELL.finditer(sheet))
    placed = rows = 0
    letters: set[bytes] = set()
    for place in _PLACE.finditer(sheet):
        if place[1]:
            placed += 1
            letters.add(place[1])
        rows = max(rows, int(place[2]))
    columns = max((_column(name) for name in letters), default=0)
    if placed < cells:
        message = "a sheet has cells that do not say where they are"
        raise broken(Code.FORMAT, file, 1, message, allowed="save it again with a spreadsheet program")
    if rows * columns > _MOST_CELLS:
        message = f"a sheet reaches to row {rows:,} and column {columns:,}"
        raise broken(Code.TOO_LARGE, file, 1, message, allowed=f"{_MOST_CELLS:,} cells; save it as CSV")
    return cells


def _longest_text(part: bytes) -> int:
    """The largest distance between two ends of shared texts: no text is longer."""
    ends = [0, *(found.end() for found in _TEXT_END.finditer(part))]
    return max((after - before for before, after in pairwise(ends)), default=0)


def _column(letters: bytes) -> int:
    """The number of a column from 1; 0 for none."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
