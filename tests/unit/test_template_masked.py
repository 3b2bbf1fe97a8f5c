"""Masked values: the author's words stay, nothing of the row does."""

import polars as pl
import pytest

from zalosync.compose.template import Program
from zalosync.compose.template_masked import MaskedProgram, mask


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{{ name }}", "•••••• ••• ••"),
        ("Chào {{ name | title }}!", "Chào •••••• ••• ••!"),
        ("{{ amount | vnd }} đ", "•.•••.••• đ"),
        ("{{ 'chị' if sex == 'F' else 'anh' }} {{ name }}", "••• •••••• ••• ••"),
        ("Kính gửi {% if sex == 'F' %}chị{% else %}anh{% endif %}.", "Kính gửi •••."),
        ("{% if sex == 'F' %}{% if name %}chị {{ name }}{% endif %}{% endif %}", "••• •••••• ••• ••"),
        ("{{ 'constant' }}", "••••••••"),
        ("không có gì", "không có gì"),
        ("{{ row['e-mail'] }}", "•••@••••.••"),
    ],
)
def test_only_the_row_is_masked(source: str, wanted: str) -> None:
    """Constants outside of conditions are shown; what is chosen by the row is masked as what is in it."""
    frame = pl.DataFrame(
        {"name": ["NGUYỄN văn An"], "amount": ["1250000"], "sex": ["F"], "e-mail": ["lan@shop.vn"]}
    )
    assert MaskedProgram({"v": source}).render(frame)["v"].to_list() == [wanted]


def test_the_form_is_that_of_the_value() -> None:
    """A value that cannot be made has no masked form either; an empty one is empty."""
    frame = pl.DataFrame({"x": ["soon", ""]})
    sources = {"v": "{{ x|int }}", "w": "{{ x }}"}
    assert MaskedProgram(sources).render(frame).rows() == [(None, "••••"), (None, "")]
    assert Program(sources).render(frame).rows() == [(None, "soon"), (None, "")]


def test_mask_leaves_no_letter_and_no_digit() -> None:
    """Whatever the script, only white space and ASCII punctuation stay."""
    assert mask("Đặng 王 😀 ٣ e\u0301 a-b@c.vn (1)") == "•••• • • • • •-•@•.•• (•)"
