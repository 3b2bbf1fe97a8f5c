"""Excel workbooks for tests, written by hand: the smallest parts that a reader accepts."""

import io
import zipfile
from collections.abc import Mapping, Sequence

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    "</Types>"
)
DATE = 's="1"'  # the attribute of a cell whose number is a date


def place(column: int, row: int) -> str:
    """The spelling of a cell's place: 0, 1 → A1."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def cell(where: str, value: object) -> str:
    """One cell: text, a number, a Boolean, or (attributes, inner XML) as it is."""
    match value:
        case str():
            return f'<c r="{where}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
        case bool():
            return f'<c r="{where}" t="b"><v>{int(value)}</v></c>'
        case (attributes, inner):
            return f'<c r="{where}" {attributes}>{inner}</c>'
        case _:
            return f'<c r="{where}"><v>{value}</v></c>'


def sheet(rows: Sequence[Sequence[object]], start: int = 1) -> str:
    """The XML of a sheet whose rows begin at `start`; None is an empty cell."""
    lines = (
        f'<row r="{row}">'
        + "".join(cell(place(column, row), value) for column, value in enumerate(values) if value is not None)
        + "</row>"
        for row, values in enumerate(rows, start=start)
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def workbook(*sheets: str, more: Mapping[str, str] | None = None) -> bytes:
    """A workbook of these sheets, and of `more` parts by name."""
    numbers = range(1, len(sheets) + 1)
    named = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    styles = f'<Relationship Id="rId99" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    shared = f'<Relationship Id="rId98" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    root = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}">{root}</Relationships>',
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_RELATIONS}">{related}{styles}{shared}</Relationships>'
        ),
        "xl/styles.xml": (
            f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
            "</styleSheet>"
        ),
        **{f"xl/worksheets/sheet{n}.xml": content for n, content in enumerate(sheets, start=1)},
        **(more or {}),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()
