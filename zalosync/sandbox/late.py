"""Requests that were long under way: nobody reads their answer, and they are taken when they arrive."""

from zalosync.sandbox import accept, answers
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.turn import Ask
from zalosync.sandbox.world import World


def defer(world: World, body: bytes, now: int, ask: Ask) -> Reply:
    """Keeps a request that will be taken later, as one that was long under way; nobody reads its answer."""
    with world.store.write():
        world.store.run("INSERT INTO late (due, body) VALUES (?, ?)", (now + ask.later_ms, body))
    world.wake(now + ask.later_ms)
    return answers.ok({"messages": []})


def take(world: World, now: int) -> int | None:
    """Takes the requests that have arrived by now; when the next one does."""
    for number, due, body in world.store.rows(
        "SELECT id, due, body FROM late WHERE due <= ? ORDER BY due, id", (now,)
    ):
        with world.write():
            accept.send(world, body, due)
            world.store.run("DELETE FROM late WHERE id = ?", (number,))
    arrives: int | None = world.store.value("SELECT min(due) FROM late")
    return arrives
