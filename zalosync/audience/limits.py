"""How large an audience may be; past a limit a file is refused, never cut."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one audience, over all its files.

    Args:
        size: bytes of text after decompression (of files as they are for Parquet and Excel), over all files.
        rows: records, over all files.
        columns: columns of one file.
        field: bytes of one value or column name, in UTF-8.
        files: how many files one audience may have; each is kept open while it is read.
        ratio: how many times larger than the file its decompressed content may be.
    """

    size: int = 4_000_000_000
    rows: int = 20_000_000
    columns: int = 100
    field: int = 4_096
    files: int = 256
    ratio: int = 100

    @property
    def record(self) -> int:
        """Bytes of one record: every field full, every byte of it a doubled quote, and its separators."""
        return self.columns * (2 * self.field + 3)
