"""The files of a project: found by the project file's lists, opened safely, each problem with its place."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from zalosync.errors import Place, Problem
from zalosync.spec.document import MAX_BYTES, Document, Steps, path_text, read_document
from zalosync.spec.mismatch import near
from zalosync.spec.safe_open import FileRefused, glob_inside, inside, is_glob, read_inside
from zalosync.spec.shown import is_ours, with_source

PROJECT_FILE = "zalosync.yaml"
MAX_FILES = 10_000

_LISTS = {"Campaign": "specs", "Policy": "policies"}
_KINDS = frozenset({"Project", *_LISTS})


class ProjectFiles:
    """What the project file names. `problems` grows with each file that cannot be read.

    Args:
        root: the project's folder.

    Raises:
        FileRefused: the project file itself cannot be opened; ZS101 where there is none.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.read = 1
        self.project = read_document(read_inside(root, PROJECT_FILE, max_bytes=MAX_BYTES), PROJECT_FILE)

    def place(self, steps: Steps) -> Place:
        """Where a key of the project file stands."""
        return self.project.place(steps)

    def refuse(self, steps: Steps, code: str, message: str, found: str = "", meant: str = "") -> None:
        """Note a problem at a key of the project file."""
        problem = Problem(code, self.place(steps), path_text(steps), message, found=found, meant=meant)
        self.problems.append(with_source(problem, self.project, show=True))

    def documents(self, kind: str) -> Iterator[Document]:
        """Every file of the list for this kind, in order of their paths; of another kind: a problem."""
        for steps, file in self._files(_LISTS[kind]):
            document = self._read(steps, file)
            if document is not None and self._is_kind(document, kind):
                yield document

    def named(self, steps: Steps) -> Document | None:
        """The file that one key of the project file names, or None where it names none or it is refused."""
        path = self.project.at(steps)
        if not isinstance(path, str) or not path:
            return None
        try:
            file = inside(path)
        except FileRefused as error:
            self.refuse(steps, error.code, error.reason, f"`{error.relative[:60]}`")
            return None
        return self._read(steps, file)

    def beside(self, file: str) -> Document | None:
        """A file with a fixed name in the project's folder, or None where there is none."""
        try:
            data = read_inside(self.root, file, max_bytes=MAX_BYTES)
        except FileRefused as error:
            if error.code != "ZS101":
                self.problems += error.problems
            return None
        self.read += 1
        return read_document(data, file)

    def _read(self, steps: Steps, file: str) -> Document | None:
        try:
            data = read_inside(self.root, file, max_bytes=MAX_BYTES)
        except FileRefused as error:
            near_by = near_path(self.root, file) if error.code == "ZS101" else ""
            meant = str(PurePosixPath(file).with_name(near_by)) if near_by else ""
            self.refuse(steps, error.code, f"{file}: {error.reason}", meant=meant)
            return None
        self.read += 1
        return read_document(data, file)

    def _is_kind(self, document: Document, kind: str) -> bool:
        given = document.at(("kind",))
        if given == kind or given not in _KINDS:
            return True
        other = _LISTS.get(str(given))
        mend = f"list it under `{other}` of {PROJECT_FILE}" if other else f"a project has one {PROJECT_FILE}"
        problem = Problem(
            code="ZS140",
            place=document.place(("kind",)),
            path="kind",
            message=f"this file is listed under `{_LISTS[kind]}`, and it is a {given}; {mend}",
            found=f"`{given}`",
            allowed=kind,
        )
        self.problems.append(with_source(problem, document, show=is_ours(document)))
        return False

    def _files(self, key: str) -> list[tuple[Steps, str]]:
        """The files that a list of the project file names, each once, in order of their paths."""
        patterns = self.project.at(("spec", key))
        found: dict[str, Steps] = {}
        for index, pattern in enumerate(patterns if isinstance(patterns, list) else []):
            steps: Steps = ("spec", key, index)
            if not isinstance(pattern, str) or not pattern:
                continue  # the shape says so
            try:
                names = glob_inside(self.root, pattern) if is_glob(pattern) else (inside(pattern),)
            except FileRefused as error:
                self.refuse(steps, error.code, error.reason)
                continue
            if not names:
                self.refuse(steps, "ZS108", "the pattern matches no file", f"`{pattern}`")
            for name in names:
                if name != PROJECT_FILE or not is_glob(pattern):
                    found.setdefault(name, steps)
        if len(found) > MAX_FILES:
            self.refuse(("spec", key), "ZS108", f"{len(found):,} files match, at most {MAX_FILES:,} are read")
            return []
        return sorted(((steps, name) for name, steps in found.items()), key=lambda pair: pair[1])


def near_path(root: Path, relative: str) -> str:
    """The name of a file or folder that a missing path probably meant, or nothing.

    Only the path's last part may differ: `people.csv` for `People.csv`, which some systems take for one.
    """
    folder, _, name = inside(relative).rpartition("/")
    try:
        here = glob_inside(root, f"{folder}/*" if folder else "*")
    except FileRefused:
        return ""
    stems = {PurePosixPath(path).stem: PurePosixPath(path).name for path in here}
    return stems.get(near(PurePosixPath(name).stem, list(stems)), "")
