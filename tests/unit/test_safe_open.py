"""The opener: what is inside the project and regular is read, everything else is refused by name."""

import os
import socket
import threading
from pathlib import Path

import pytest

from zalosync.errors import ExitCode, SpecError
from zalosync.spec.safe_open import FileRefused, glob_inside, inside, is_glob, open_inside, read_inside

LIMIT = 1000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one file, beside a folder with a secret."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    project = tmp_path / "project"
    (project / "data" / "deep").mkdir(parents=True)
    (project / "data" / "a.csv").write_text("phone\n")
    return project


def refusal(root: Path, name: str) -> FileRefused:
    """The refusal of one name."""
    with pytest.raises(FileRefused) as caught:
        open_inside(root, name, max_bytes=LIMIT)
    return caught.value


def test_a_regular_file_is_read_through_its_descriptor(root: Path) -> None:
    """What is opened is the file, and its descriptor gives the same bytes again."""
    with open_inside(root, "data/a.csv", max_bytes=LIMIT) as file:
        assert Path(f"/dev/fd/{file.fileno()}").read_bytes() == b"phone\n"
        assert file.read() == b"phone\n"


NAMES = [
    ("", "ZS109"),
    (".", "ZS109"),
    ("/etc/passwd", "ZS109"),
    ("~/.netrc", "ZS109"),
    ("data\\a.csv", "ZS109"),
    ("\\\\?\\C:\\x", "ZS109"),
    ("C:/x.csv", "ZS109"),
    ("file:///etc/passwd", "ZS109"),
    ("data/a.csv\0.txt", "ZS109"),
    ("data/\u202evsc.a", "ZS109"),
    ("a/" * 600 + "b", "ZS109"),
    ("../outside/secret.txt", "ZS102"),
    ("data/../../outside/secret.txt", "ZS102"),
    ("data/..", "ZS104"),
    ("data", "ZS104"),
    ("data/none.csv", "ZS101"),
    ("none/a.csv", "ZS101"),
    ("data/a.csv/b", "ZS101"),
    ("data/" + "x" * 300, "ZS107"),
]


@pytest.mark.parametrize(("name", "code"), NAMES)
def test_names_that_are_not_files_of_the_project_are_refused(root: Path, name: str, code: str) -> None:
    """Each way out of the project has its own code, and none reads a byte."""
    error = refusal(root, name)
    assert error.code == code
    assert isinstance(error, SpecError)
    assert error.exit_code == ExitCode.SPEC
    assert "secret" not in error.reason


def test_links_are_refused_wherever_they_stand(root: Path) -> None:
    """A link as the file, as a folder on the way, or to nothing at all."""
    (root / "link.csv").symlink_to("data/a.csv")
    (root / "away").symlink_to(root.parent / "outside")
    (root / "dangling").symlink_to("nowhere")
    assert [refusal(root, name).code for name in ("link.csv", "away/secret.txt", "dangling")] == [
        "ZS103",
        "ZS103",
        "ZS103",
    ]


def test_special_files_do_not_hang(root: Path) -> None:
    """A pipe, a socket and a device are refused at once."""
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(root / "sock"))
        assert refusal(root, "pipe").code == "ZS104"
        assert refusal(root, "sock").code == "ZS104"


def test_a_second_name_is_refused(root: Path) -> None:
    """A hard link could be somebody else's file."""
    os.link(root.parent / "outside" / "secret.txt", root / "data" / "b.csv")
    assert refusal(root, "data/b.csv").code == "ZS105"


@pytest.mark.parametrize(("size", "fits"), [(LIMIT - 1, True), (LIMIT, True), (LIMIT + 1, False)])
def test_the_size_limit_is_exact(root: Path, size: int, fits: bool) -> None:  # noqa: FBT001 - a table column
    """One byte less, equal, one byte more; a sparse file counts by its length."""
    with (root / "big").open("wb") as file:
        file.truncate(size)
    if fits:
        assert len(read_inside(root, "big", max_bytes=LIMIT)) == size
    else:
        assert refusal(root, "big").code == "ZS106"


def test_a_folder_that_is_swapped_for_a_link_never_leads_out(root: Path) -> None:
    """While a thread swaps the folder for a link to the outside, nothing from there is ever read."""
    (root / "data" / "secret.txt").write_text("ours")
    stop = threading.Event()

    def swap() -> None:
        real, link = root / "real", root / "link"
        link.symlink_to(root.parent / "outside")
        while not stop.is_set():
            (root / "data").rename(real)
            link.rename(root / "data")
            (root / "data").rename(link)
            real.rename(root / "data")

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[bytes] = set()
    try:
        for _ in range(2000):
            try:
                seen.add(read_inside(root, "data/secret.txt", max_bytes=LIMIT))
            except FileRefused as error:
                seen.add(error.code.encode())
    finally:
        stop.set()
        thread.join()
    assert seen <= {b"ours", b"ZS101", b"ZS103"}


def test_names_are_taken_from_the_file_that_names_them() -> None:
    """`..` walks up from the naming file's folder, and a doubled slash or a dot changes nothing."""
    assert inside("../audiences/a.csv", named_in="campaigns/x.yaml") == "audiences/a.csv"
    assert inside("./a//b/../c.csv") == "a/c.csv"
    with pytest.raises(FileRefused):
        inside("../../a.csv", named_in="campaigns/x.yaml")


def test_patterns_find_files_in_order_and_follow_no_link(root: Path) -> None:
    """`*`, `?`, `[…]` and `**` as people know them; hidden files only when asked for; links are named."""
    for name in ("data/b.csv", "data/b1.csv", "data/.hidden.csv", "data/deep/c.csv", "top.csv", "x.txt"):
        (root / name).write_text("")
    (root / "loop").symlink_to(root)
    (root / "data" / "z.csv").symlink_to("a.csv")
    (root / "data" / "folder.csv").mkdir()
    assert glob_inside(root, "data/*.csv") == ("data/a.csv", "data/b.csv", "data/b1.csv", "data/z.csv")
    assert glob_inside(root, "data/?.csv") == ("data/a.csv", "data/b.csv", "data/z.csv")
    assert glob_inside(root, "data/[!a].csv") == ("data/b.csv", "data/z.csv")
    assert glob_inside(root, "data/[ab]*.csv") == ("data/a.csv", "data/b.csv", "data/b1.csv")
    assert glob_inside(root, "**/*.csv") == (
        "data/a.csv",
        "data/b.csv",
        "data/b1.csv",
        "data/deep/c.csv",
        "data/z.csv",
        "top.csv",
    )
    assert glob_inside(root, "data/**") == (
        "data/a.csv",
        "data/b.csv",
        "data/b1.csv",
        "data/deep/c.csv",
        "data/z.csv",
    )
    assert glob_inside(root, "data/.*.csv") == ("data/.hidden.csv",)
    assert glob_inside(root, "data/**/c.csv") == ("data/deep/c.csv",)
    assert glob_inside(root, "none/*.csv") == ()
    assert glob_inside(root, "data/[.csv") == ()
    with pytest.raises(FileRefused):
        glob_inside(root, "../**/*.txt")


def test_a_pattern_is_known_by_its_signs() -> None:
    """A plain name is not a pattern."""
    assert [is_glob(name) for name in ("a.csv", "a*.csv", "a?.csv", "[ab].csv")] == [False, True, True, True]
