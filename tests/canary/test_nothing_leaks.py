"""A campaign with planted people, values and keys: none of them in anything that is left behind."""

import gzip
import json
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.command import Done, start
from tests.support.leaks import Leak, Scanner, files, phone_forms
from tests.support.server import API_KEY, Server, serving
from tests.support.shop import CAMPAIGN, Person, Shop, people, write_audience, write_shop
from zalosync.compose.message import Keys, Status
from zalosync.ledger.dialect import SQLITE, sqlite_database
from zalosync.ledger.read import LedgerReader
from zalosync.ledger.records import Move, Standing
from zalosync.ledger.rescue import rescue_path, write_rescue

pytestmark = pytest.mark.usefixtures("loopback")

SECRET = "5ec2e7" + "0123456789abcdef" * 3 + "c0ffee0ddf"
KEYS = Keys(bytes.fromhex(SECRET))
PHONES = {"84977314159": "0977314159", "84966271828": "+84 966 271 828", "84355161803": "01655161803"}
# One as people type it, one decomposed, one in capitals.
NAMES = ("vẹtxanh hoàngyến", "Kỳlân Phượnghoàng", "SƯTỬ ĐẠIBÀNG")
CODES = ("DHVETXANH01", "DHKYLAN02", "DHSUTU03")
QUICK = {"delay_median_ms": 5, "delay_max_ms": 40, "validity_cap_ms": 50, "check_first": 0, "check_share": 0}
FAILOVER = (
    '  smsFailover:\n    sender: SHOPVN\n    text: "Don hang {{ code }} cua {{ name }} da gui."\n'
    "    asciiOnly: true\n"
)


@dataclass(slots=True)
class Scene:
    """A project in folders of its own, and all that its commands have said.

    Attributes:
        home: what commands take for the user's home.
        temporary: what they take for the folder of temporary files.
    """

    shop: Shop
    home: Path
    temporary: Path
    server: Server | None = None
    said: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        """Everything that makes commands say more, and the secrets."""
        return {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "ZALOSYNC_TRACEBACK": "1",
            "ZALOSYNC_KEY": SECRET,
            "INFOBIP_API_KEY": API_KEY,
            "PYTHONFAULTHANDLER": "1",
        }

    def hear(self, done: Done, *arguments: str) -> Done:
        """Keep what a command has said."""
        name = " ".join(arguments)
        self.said += [(f"stdout of {name}", done.out.encode()), (f"stderr of {name}", done.err.encode())]
        return done

    def run(self, *arguments: str, code: int = 0, **more: object) -> Done:
        """Run a command, as talkative as it can be."""
        running = start(self.shop.root, "-vv", *arguments, environ=self.environ, **more)  # type: ignore[arg-type]
        done = self.hear(running.wait(), *arguments)
        assert done.code == code, f"{arguments}: {done.err}"
        return done

    def left(self) -> Iterator[tuple[str, bytes]]:
        """All that is left behind, but for the audience itself."""
        yield from self.said
        yield from files(self.shop.root, self.home, self.temporary, but=[self.shop.root / "audiences"])


def planted(root: Path, base_url: str) -> Shop:
    """A project whose audience has three planted people among others."""
    shop = write_shop(root, 300, base_url=base_url, batch_size=10, more=FAILOVER)
    others = people(300)[4:]
    mine = [
        Person(phone, written, name, code, "", {"customer_name": name, "order_code": code})
        for (phone, written), name, code in zip(PHONES.items(), NAMES, CODES, strict=True)
    ]
    # One planted person more, who must not get anything.
    gone = Person("84944577215", "0944577215", "Gấutrúc Sơnca", "DHGAUTRUC04", "suppressed", {})
    shop.people = [*mine, gone, *others]
    write_audience(shop)
    return shop


def scanner() -> Scanner:
    """Looks for everything that was planted."""
    phones = [*PHONES, "84944577215", "841655161803"]  # the last is the old spelling of one
    texts = [word for name in (*NAMES, "Gấutrúc Sơnca") for word in name.split()]
    derived = [KEYS.ids, KEYS.content, KEYS.recipients, KEYS.plans, KEYS.webhooks, KEYS.evidence, KEYS.inputs]
    secrets = [SECRET, API_KEY, *(key.hex() for key in derived)]
    return Scanner(phones, [*texts, *CODES, "DHGAUTRUC04"], secrets)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """The project and its server; nothing has happened yet."""
    for name in ("home", "temporary"):
        (tmp_path / name).mkdir()
    with serving(tmp_path / "server", QUICK) as server:
        shop = planted(tmp_path / "shop", server.base_url)
        yield Scene(shop, tmp_path / "home", tmp_path / "temporary", server)


def play(scene: Scene, server: Server) -> None:
    """Run every command that reads people, in good and in bad times."""
    run, root = scene.run, scene.shop.root
    run("ledger", "init")
    run("validate")
    run("validate", "--json")
    run("plan")
    run("plan", "--json")
    run("render", CAMPAIGN, "--row", "2", "--payload")
    run("render", CAMPAIGN, "--sample", "5", "--json")
    bad_times(scene, server)
    run("--log-format", "json", "apply", "--auto-approve", "--json", code=6)
    run("refresh", "--logs", code=6)
    run("resolve", "--campaign", CAMPAIGN, "--all-unknown", "--as", "not-sent", "--reason", "a test")
    run("apply", "--auto-approve")
    run("refresh", "--until-final")
    run("plan", "-o", "release.zsplan")
    for command in (
        ("status",),
        ("status", "--json"),
        ("history",),
        ("history", "--json"),
        ("audit", "verify"),
    ):
        run(*command)
    run("audit", "report")
    run("ledger", "info", "--json")
    broken_inputs(scene)
    root.joinpath(".zalosync", "here.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    run("status", code=7)


def bad_times(scene: Scene, server: Server) -> None:
    """A wrong key, a server that refuses, garbles and hangs up, kills, a bug of ours, a full disk."""
    run, apply = scene.run, ("apply", "--auto-approve", "--canary", "5")
    scene.server = server
    for fault, code in (("refuse-401", 8), ("refuse-400", 8), ("html-403", 6)):
        server.control("POST", "faults", {"faults": [{"do": fault, "on": ["send"]}]})
        run(*apply, code=code)
        server.control("DELETE", "faults")
    for fault in ("no-json", "half-body", "foreign-ids"):
        server.control("POST", "faults", {"faults": [{"do": fault, "on": ["send"], "requests": "1-"}]})
        run(*apply, "--max-messages", "5", code=6)
        server.control("DELETE", "faults")
    words = f"{next(iter(PHONES))} {NAMES[0]} {API_KEY}"
    for event, number in (("socket.connect", 2), ("socket.connect", 3), ("os.listdir", 1)):
        running = start(scene.shop.root, *apply, environ=scene.environ, fail=(event, number, words))
        scene.hear(running.wait(), f"apply with a bug at {event} {number}")
    for number in (2, 3, 4):
        running = start(scene.shop.root, *apply, environ=scene.environ, die=("socket.connect", number))
        scene.hear(running.wait(), f"apply killed at connection {number}")
    for pages in range(3):
        size = (scene.shop.state / "here.db").stat().st_size + 4096 * pages
        running = start(scene.shop.root, *apply, environ=scene.environ, fsize=size)
        scene.hear(running.wait(), f"apply on a disk with {pages} pages left")
    rescue(scene.shop)


def rescue(shop: Shop) -> None:
    """Leave a rescue file of another ledger's run: one that stays, and holds outcomes of planted people."""
    reader = LedgerReader(sqlite_database(shop.state / "here.db", read_only=True), SQLITE, "here.db")
    unknown = [record for chunk in reader.in_state(Status.UNKNOWN) for record in chunk]
    reader.close()
    assert unknown
    write_rescue(
        rescue_path(shop.state, "run-of-another-ledger"),
        [Move(record, Standing(Status.ACCEPTED)) for record in unknown],
    )


def broken_inputs(scene: Scene) -> None:
    """Files that cannot be read as they should: what is said of them quotes nothing of them."""
    audience = scene.shop.root / "audiences" / "people.csv"
    whole = audience.read_text(encoding="utf-8")
    spec = scene.shop.root / "campaigns" / f"{CAMPAIGN}.yaml"
    written = spec.read_text(encoding="utf-8")
    for broken in (
        whole.replace("phone,name", "phone,phone"),
        whole.replace(CODES[0], f'"{CODES[0]}'),
        whole.replace(NAMES[1], NAMES[1] + ",more,and,more"),
        "\n".join(whole.splitlines()[1:]),
    ):
        audience.write_text(broken, encoding="utf-8")
        done = start(scene.shop.root, "plan", environ=scene.environ).wait()
        scene.hear(done, "plan of a broken audience")
    audience.write_bytes(whole.encode("utf-16"))
    scene.hear(start(scene.shop.root, "plan", environ=scene.environ).wait(), "plan of UTF-16")
    audience.write_text(whole, encoding="utf-8")
    spec.write_text(written.replace("name | title", "nmae | title"), encoding="utf-8")
    scene.run("plan", code=65)
    spec.write_text(written, encoding="utf-8")


def told(leaks: list[Leak]) -> str:
    """Leaks for people."""
    return "\n".join(f"{leak.place}: {leak.what} ({leak.form})" for leak in leaks)


def test_nothing_leaks(scene: Scene) -> None:
    """No phone, name, value or key in output, ledger, journals, plans, reports, locks or temporary files."""
    assert scene.server is not None
    play(scene, scene.server)
    assert len(scene.said) > 70
    leaks = scanner().scan(scene.left())
    assert leaks == [], told(leaks)
    # Spilled content has no name: nothing is left of it, not even by killed processes.
    assert [path for path in scene.temporary.rglob("*") if path.is_file()] == []
    # The scan means something: the planted people are in the audience, and the server knows them.
    assert PHONES.keys() <= {entry["to"] for entry in scene.server.messages()}
    found = scanner().scan(files(scene.shop.root / "audiences"))
    assert {leak.what for leak in found} >= {
        "84977314159",
        "84966271828",
        "841655161803",
        "84944577215",
        CODES[0],
        NAMES[0].split()[0],
    }


def channels(scene: Scene) -> dict[str, Callable[[bytes], Callable[[], None]]]:
    """By channel: how a leak would get into it; what is returned takes it out again."""
    root, state = scene.shop.root, scene.shop.state

    def spoken(stream: str) -> Callable[[bytes], Callable[[], None]]:
        def plant(data: bytes) -> Callable[[], None]:
            scene.said.append((f"{stream} of a leak", b"warning: " + data + b"\n"))
            return lambda: (scene.said.pop(), None)[1]

        return plant

    def kept(
        path: Path, wrap: Callable[[bytes], bytes] = lambda data: b"{" + data + b"}"
    ) -> Callable[[bytes], Callable[[], None]]:
        def plant(data: bytes) -> Callable[[], None]:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wrap(data))
            return path.unlink

        return plant

    def database(name: str) -> Callable[[bytes], Callable[[], None]]:
        def plant(data: bytes) -> Callable[[], None]:
            path = state / name
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS planted (a BLOB)")
                rows = [(line,) for line in data.split(b"\n")]
                connection.executemany("INSERT INTO planted VALUES (?)", rows)
                connection.commit()
            return path.unlink

        return plant

    def zipped(data: bytes) -> bytes:
        with tempfile.TemporaryFile() as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("plan.json", b'{"a": "' + data + b'"}')
            file.seek(0)
            return file.read()

    return {
        "stdout": spoken("stdout"),
        "stderr": spoken("stderr"),
        "a ledger": database("planted.db"),
        "an inbox": database("planted.inbox.db"),
        "a journal": kept(state / "planted.db-journal", lambda data: b"\xd9\xd5\x05\xf9" + data),
        "a lock": kept(state / "planted.db.lock"),
        "a pin": kept(root / "planted.lock"),
        "a rescue file": kept(state / "rescue-planted.jsonl"),
        "a plan in JSON": kept(root / "planted.json"),
        "a sealed plan": kept(root / "planted.zsplan", zipped),
        "a report": kept(root / "planted.html", lambda data: b"<td>" + data + b"</td>"),
        "a packed export": kept(root / "export.csv.gz", gzip.compress),
        "a temporary file": kept(scene.temporary / "zalosync-x" / "part"),
        "the home folder": kept(scene.home / ".cache" / "zalosync" / "x"),
    }


def test_every_channel_is_watched(scene: Scene) -> None:
    """A leak planted in any channel, in any of its forms, is found: the scan does not look away."""
    looking = scanner()
    scene.shop.state.mkdir()
    planted_forms = {(what, form) for what, form, _ in looking.forms}
    everything = b"\n".join(needle for _, _, needle in looking.forms)
    before = {name for name, _ in scene.left()}
    for channel, plant in channels(scene).items():
        remove = plant(everything)
        fresh = [(name, data) for name, data in scene.left() if name not in before]
        remove()
        found = {(leak.what, leak.form) for leak in looking.scan(fresh)}
        assert found == planted_forms, channel


def test_each_form_is_found_by_itself() -> None:
    """No form is found only because another one is near."""
    looking = scanner()
    for what, form, needle in looking.forms:
        found = looking.scan([("somewhere", b"x" + needle + b"y")])
        assert (what, form) in {(leak.what, leak.form) for leak in found}


def test_forms_of_a_phone() -> None:
    """Eight ways to write a number are looked for."""
    forms = phone_forms("84977314159")
    assert len(set(forms.values())) == 8
    assert json.dumps(forms).count("977") == 8
