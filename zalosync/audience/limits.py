"""How large an audience may be; past a limit a file is refused, never cut."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one audience.

    Args:
        size: bytes over all files, of text after decompression, of Parquet pages after decompression.
        rows: records, over all files.
        columns: columns of one file.
        field: bytes of one value or column name, in UTF-8.
        files: how many files one audience may have; each is kept open while it is read.
        ratio: how many times larger than the file its decompressed content may be.
        workbook: bytes of one Excel file after decompression; a workbook is held in memory as a whole.
        row_group: bytes of one Parquet row group after decompression, likewise.
    """

    size: int = 4_000_000_000
    rows: int = 20_000_000
    columns: int = 100
    field: int = 4_096
    files: int = 256
    ratio: int = 100
    workbook: int = 256_000_000
    row_group: int = 1_000_000_000

    @property
    def record(self) -> int:
        """Bytes of one record: every field full, every byte of it a doubled quote, and its separators."""
        return self.columns * (2 * self.field + 3)
