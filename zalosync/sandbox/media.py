"""POST of an image for templates: multipart, one part named `file`."""

from email.parser import BytesParser
from email.policy import HTTP
from hashlib import blake2b
from typing import Final

from zalosync.sandbox import answers
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.world import World

_MAX_BYTES: Final = 5 * 1024 * 1024
_MAGIC: Final = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def upload(world: World, sender: str, content_type: str, body: bytes) -> Reply:
    """Keeps the length of an image and gives it an id made from its bytes."""
    if not world.has_sender(sender):
        return answers.api_error("ZALO-RSA404")
    if not content_type.lower().startswith("multipart/form-data"):
        return answers.api_error("E415")
    image = _part(content_type, body)
    if image is None:
        return answers.api_error("E400", [("file", "must not be null")])
    if not image.startswith(_MAGIC):
        return answers.api_error("E400", [("file", "must be a JPG or PNG image")])
    if len(image) > _MAX_BYTES:
        return answers.api_error("E400", [("file", f"must be at most {_MAX_BYTES} bytes")])
    media_id = "media" + blake2b(sender.encode() + image, digest_size=10).hexdigest()
    with world.store.write():
        world.store.run("INSERT OR IGNORE INTO media VALUES (?, ?, ?)", (media_id, sender, len(image)))
    return answers.ok({"mediaId": media_id}, 201)


def _part(content_type: str, body: bytes) -> bytes | None:
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    )
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "file":
            payload = part.get_payload(decode=True)
            return payload if isinstance(payload, bytes) else None
    return None
