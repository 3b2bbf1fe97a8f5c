"""Who is one person: names that look alike, and names that belong together."""

import pytest

from zalosync.plan.people import Authors, names_of, persons


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Lan", " lan "),
        ("Lan Anh", "lan\u00a0 anh"),
        ("Nguyễn", "Nguye\u0302\u0303n"),
        ("Đỗ Hùng", "do hung"),
        ("ｌａｎ", "lan"),
        ("lan", "l\u0430n"),
        ("BOB", "\u0412\u041e\u0412"),
        ("\u0397\u03b1\u03bd", "\u03b7\u03b1\u03bd"),
        ("straße", "STRASSE"),
        ("İlk", "ilk"),
        ("lan\u200b", "lan"),
        ("la\u3164n", "lan"),
        ("Lan\u2011Anh", "lan-anh"),
        ("Lan Nguyễn <lan@example.vn>", "LAN@EXAMPLE.VN"),
        ("Lan Nguyễn <lan@example.vn>", "lan nguyen"),
    ],
)
def test_names_of_one_person(one: str, other: str) -> None:
    """They count once, whichever comes first."""
    assert persons([names_of(one), names_of(other)]) == persons([names_of(other), names_of(one)]) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lan", "mai"),
        ("lan@example.vn", "lan@example.com"),
        ("Lan Anh", "Lan An"),
        ("lan1", "lan2"),
        ("", ""),
    ],
)
def test_names_of_two_people(one: str, other: str) -> None:
    """They count twice."""
    assert persons([names_of(one), names_of(other)]) == 2


def test_names_that_belong_together() -> None:
    """By what is known besides, also over several steps; what is known of others joins nobody."""
    lan, mai, hoa = (names_of(name) for name in ("lan", "mai", "hoa"))
    assert persons([lan, mai, hoa]) == 3
    assert persons([lan, mai, hoa], [names_of("x", "y")]) == 3
    assert persons([lan, mai, hoa], [names_of("lan", "x"), names_of("y", "mai"), names_of("x", "y")]) == 2
    assert persons([], [lan]) == 0


def test_an_author_under_another_name() -> None:
    """Git knows the other address of the same name; nobody is an author where none is known."""
    alike = (names_of("Lan Nguyễn <lan@home.vn>"), names_of("Mai <mai@example.vn>"))
    authors = Authors(names_of("Lan Nguyễn", "lan@example.vn"), (), alike)
    for name in ("lan@home.vn", "Lan <LAN@example.vn>", "lan nguyen"):
        assert authors.include(name)
    assert authors.include("somebody", "lan@home.vn")
    for name in ("mai", "mai@example.vn", ""):
        assert not authors.include(name)
    assert not Authors(frozenset()).include("lan")
