"""Which encrypted messages are opened, and what follows when one cannot be.

A private-key operation is dear, so every value of the first messages is opened and a seeded share after that,
always after the answer is out. A message that waits for its check has no outcome yet; one that cannot be read
ends as undeliverable (Zalo's -123). Messages outside the sample follow the last opened one of their sender,
and a value whose length cannot be that of the key needs no opening at all.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from zalosync.sandbox import decrypt, fates
from zalosync.sandbox.decrypt import Check, Checked
from zalosync.sandbox.message import Message
from zalosync.sandbox.validate import Violation
from zalosync.sandbox.world import World

WAITING, READ, UNREADABLE = 0, 1, 2


def private_key(world: World, sender: str) -> Any:
    """The sender's private key, or None where it was never made."""
    found = world.keys.get(sender)
    if found is None:
        pem = world.store.value("SELECT pem FROM keys WHERE sender = ?", (sender,))
        if pem is None:
            return None
        found = world.keys[sender] = decrypt.load_key(pem)
    return found


def make_key(world: World, sender: str) -> Any:
    """Makes and keeps the sender's key."""
    pem = world.make_key(world.settings.key_bits)
    with world.store.write():
        world.store.run("INSERT INTO keys VALUES (?, ?)", (sender, pem))
    return private_key(world, sender)


def wanted(world: World, message: Message) -> bool:
    """Whether this encrypted message is opened."""
    settings = world.settings
    if not message.values:
        return False
    if world.store.counter("checks_begun") >= settings.check_first:
        numbers = fates.draw(settings.seed, message.message_id, message.taken_before)
        if numbers.sample >= settings.check_share:
            return False
    world.store.count("checks_begun")
    return True


def plausible(world: World, message: Message) -> bool:
    """Whether an encrypted message outside the sample counts as readable."""
    key = private_key(world, message.sender)
    if key is None or not _last_was_read(world, message.sender):
        return False
    size = -(-key.key_size // 24) * 4  # Base64 characters of one ciphertext
    return all(isinstance(value, str) and len(value) == size for value in message.values.values())


def _last_was_read(world: World, sender: str) -> bool:
    known = world.readable.get(sender)
    if known is None:
        state = world.store.value(
            "SELECT c.state FROM checks c JOIN messages m ON m.seq = c.message"
            " WHERE m.sender = ? AND c.state > 0 ORDER BY c.message DESC LIMIT 1",
            (sender,),
        )
        known = world.readable[sender] = state != UNREADABLE
    return known


def waiting(world: World, limit: int = 20) -> list[Check]:
    """The next messages to open, oldest first."""
    rows = world.store.rows(
        "SELECT m.seq, m.sender, m.content FROM checks c JOIN messages m ON m.seq = c.message"
        " WHERE c.state = 0 ORDER BY c.message LIMIT ?",
        (limit,),
    )
    accepts = world.settings.mgf1
    return [
        Check(
            seq, sender, orjson.loads(content).get("templateData") or {}, private_key(world, sender), accepts
        )
        for seq, sender, content in rows
    ]


def record(world: World, done: Iterable[Checked], now: int) -> None:
    """Writes down what was found and lets the messages live on."""
    store = world.store
    with store.write():
        for each in done:
            state = READ if each.ok else UNREADABLE
            plain = orjson.dumps(each.plain)
            changed = store.run(
                "UPDATE checks SET state = ?, mgf1 = ?, plain = ? WHERE message = ? AND state = 0",
                (state, each.mgf1, plain, each.message),
            )
            if not changed:
                continue
            world.readable[each.sender] = each.ok
            store.count("values_checked", each.values)
            store.count("values_read", each.read)
            store.count(f"messages_{'read' if each.ok else 'unreadable'}")
            store.run(
                "UPDATE messages SET content = NULL, due = max(coalesce(leaves_at, 0), ?) WHERE seq = ?",
                (now, each.message),
            )
            world.wake(now)


def unreadable(world: World, entries: list[dict[str, Any]]) -> Iterator[Violation]:
    """Values that the sender's key does not open, for the switch that looks before it answers."""
    for place, entry in enumerate(entries):
        if not (entry.get("options") or {}).get("encrypted"):
            continue
        values = entry["content"].get("templateData") or {}
        key = private_key(world, entry["sender"])
        if not decrypt.run(Check(0, entry["sender"], values, key, world.settings.mgf1)).ok:
            yield f"messages[{place}].content.templateData", "cannot be decrypted"


def opened(world: World, seq: int) -> tuple[int, dict[str, Any]] | None:
    """State and plain values of a message that was opened."""
    row = world.store.rows("SELECT state, plain FROM checks WHERE message = ? AND state > 0", (seq,))
    return (row[0][0], orjson.loads(row[0][1])) if row else None
