"""What a recipient would see as canonical JSON, in columns: the bytes that `Identity.fingerprint` digests.

Written a row at a time they take half of the time that it takes to compose a message.
"""

from collections.abc import Iterator

import orjson
import polars as pl

from zalosync.audience.texts import any_of, as_one

# What JSON does not take as it stands.
_ESCAPED = r'["\\\x00-\x1f]'
_ESCAPED_BYTES = bytes([*range(0x20), *b'"\\'])


def contents(template: int, values: pl.DataFrame, failover: pl.Series) -> pl.Series:
    """The canonical JSON of each row's content.

    Args:
        template: its number.
        values: one String column for each parameter, null where no value could be made.
        failover: String, null where there is none.

    Returns:
        Binary, as many rows as `failover`.
    """
    columns: dict[str, pl.Series] = {}

    def quoted(texts: pl.Series) -> pl.Expr:
        name = f"c{len(columns)}"
        columns[name] = _escaped(texts)
        spelled = pl.concat_str(pl.lit('"'), name, pl.lit('"'))
        return spelled.fill_null("null") if texts.null_count() else spelled

    parts = [pl.lit('{"failover":'), quoted(failover), pl.lit(f',"template":{template},"values":{{')]
    for place, name in enumerate(sorted(values.columns)):
        parts += [pl.lit((place > 0) * "," + orjson.dumps(name).decode() + ":"), quoted(values[name])]
    frame = pl.DataFrame(columns)
    return frame.select(pl.concat_str(*parts, pl.lit("}}")).cast(pl.Binary).alias("content"))["content"]


def _escaped(texts: pl.Series) -> pl.Series:
    """The texts as they stand inside of quotation marks; few of them need anything done."""
    if not any_of(_ESCAPED_BYTES, as_one(texts)):
        return texts
    rows = texts.str.contains(_ESCAPED).fill_null(value=False).arg_true()
    spelled: Iterator[str] = (orjson.dumps(text).decode()[1:-1] for text in texts.gather(rows).to_list())
    return texts.clone().scatter(rows, pl.Series(list(spelled), dtype=pl.String))
