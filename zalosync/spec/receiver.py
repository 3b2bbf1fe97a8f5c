"""How `zalosync serve` knows that a push is the provider's: the credentials of the account's subscription.

A push to a message's own URL carries none: there the path's token and the message's proof have to do.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from zalosync.spec import conditions, patterns
from zalosync.spec.named_secret import Reference
from zalosync.spec.values import Shape, Text

_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")


def _header(value: str) -> str:
    if _HEADER.fullmatch(value) is None:
        raise PydanticCustomError("ZS136", "the name of a header is letters, digits and `-`")
    return value


class Receiver(Shape):
    """What the account's subscription shows with each push, where it has one."""

    model_config = ConfigDict(json_schema_extra=conditions.RECEIVER)

    security: Literal["none", "basic", "hmac"] = Field(
        default="none",
        description="What the subscription is set to; `none` accepts only reports that show their message's "
        "proof.",
        examples=["hmac"],
    )
    credential: Reference | None = Field(
        default=None,
        description="Where the password or the key of the HMAC is: {env: NAME} or {file: path}.",
        examples=[{"env": "ZALOSYNC_WEBHOOK_SECRET"}],
    )
    user: Text | None = Field(default=None, description="The user, with `basic`.", examples=["infobip"])
    header: Annotated[
        str, AfterValidator(_header), Field(json_schema_extra=patterns.form(patterns.HEADER))
    ] = Field(
        default="X-Hub-Signature-256",
        description="The header with the HMAC of the body.",
        examples=["X-Hub-Signature-256"],
    )
    algorithm: Literal["sha256", "sha384", "sha512"] = Field(
        default="sha256", description="The HMAC's hash.", examples=["sha256"]
    )
    encoding: Literal["hex", "base64"] = Field(
        default="hex", description="How the HMAC is written.", examples=["hex"]
    )
    prefix: Annotated[str, Field(max_length=32)] = Field(
        default="sha256=", description="What stands before it; may be empty.", examples=["sha256="]
    )

    @model_validator(mode="after")
    def _whole(self) -> "Receiver":
        if self.security != "none" and self.credential is None:
            raise PydanticCustomError("ZS152", "`security` needs a `credential`")
        if self.security == "basic" and self.user is None:
            raise PydanticCustomError("ZS152", "`security: basic` needs a `user`")
        return self
