"""GET and POST of a sender's public key."""

from zalosync.sandbox import answers, checks, decrypt
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.world import World


def get(world: World, sender: str) -> Reply:
    """The key; 404 before it was made, unless the switch makes it then."""
    if not world.has_sender(sender):
        return answers.api_error("ZALO-RSA404")
    key = checks.private_key(world, sender)
    if key is None and world.settings.key_before_create == "create":
        key = checks.make_key(world, sender)
    return answers.ok({"publicKey": decrypt.public_text(key)}) if key else answers.api_error("ZALO-RSA404")


def create(world: World, sender: str) -> Reply:
    """Makes the key once; a second time is refused, there is no way to change it."""
    if not world.has_sender(sender):
        return answers.api_error("ZALO-RSA404")
    if checks.private_key(world, sender) is not None:
        return answers.api_error("ZALO-RSA409")
    return answers.ok({"publicKey": decrypt.public_text(checks.make_key(world, sender))})
