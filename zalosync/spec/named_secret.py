"""How a spec names a secret: an environment variable or a file, never the value itself."""

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from zalosync.spec import patterns
from zalosync.spec.secret import SecretRef

REFERENCE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "env": {"type": "string", "maxLength": 128, "pattern": patterns.VARIABLE},
        "file": {"type": "string", "minLength": 1, "maxLength": 1024},
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}


def reference(value: Any) -> SecretRef:
    """The reference that is written, or why it is none."""
    if isinstance(value, SecretRef):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError(
            "ZS142", "a secret is never written here; write {env: NAME} or {file: path}"
        )
    unknown = value.keys() - {"env", "file"}
    if unknown or not all(isinstance(part, str) for part in value.values()):
        raise PydanticCustomError("ZS143", "write either {env: NAME} or {file: path}, and nothing else")
    return SecretRef.model_validate(value)


Reference = Annotated[SecretRef, PlainValidator(reference), WithJsonSchema(REFERENCE_SCHEMA)]
