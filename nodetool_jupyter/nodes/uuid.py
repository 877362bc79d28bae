"""lib.uuid: universally unique identifiers."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from typing import Literal

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.fields import PlainDict
from nodetool_jupyter.nodes.matching import shortened

NAMESPACES = {
    "dns": uuid.NAMESPACE_DNS,
    "url": uuid.NAMESPACE_URL,
    "oid": uuid.NAMESPACE_OID,
    "x500": uuid.NAMESPACE_X500,
}
FORMATS: dict[str, Callable[[uuid.UUID], str]] = {
    "standard": str,
    "hex": lambda value: value.hex,
    "urn": lambda value: value.urn,
    "int": lambda value: str(value.int),
    "bytes_hex": lambda value: value.bytes.hex(),
}


class UUIDNode(BaseNode, prefix="lib.uuid", abstract=True):
    """Base of the family."""


class NamedNode(UUIDNode, abstract=True):
    """Base of those that are made of a name."""

    namespace: str = Field(default="dns", description="dns, url, oid, x500, or a UUID.")
    name: str = ""


class GenerateUUID1(UUIDNode):
    """Make a UUID of the time; in place of this machine's address it has a random number."""

    async def process(self, context: ProcessingContext) -> str:
        # The lowest bit of the first byte says that the node is no machine's address.
        return str(uuid.uuid1(node=secrets.randbits(48) | 1 << 40))


class GenerateUUID3(NamedNode):
    """Make the UUID of a name by MD5: the same name gives the same UUID."""

    async def process(self, context: ProcessingContext) -> str:
        return str(uuid.uuid3(_namespace(self.namespace), self.name))


class GenerateUUID4(UUIDNode):
    """Make a random UUID."""

    async def process(self, context: ProcessingContext) -> str:
        return str(uuid.uuid4())


class GenerateUUID5(NamedNode):
    """Make the UUID of a name by SHA-1: the same name gives the same UUID."""

    async def process(self, context: ProcessingContext) -> str:
        return str(uuid.uuid5(_namespace(self.namespace), self.name))


class ParseUUID(UUIDNode):
    """The parts of a UUID: its version and variant, and its usual forms."""

    uuid_string: str = ""

    async def process(self, context: ProcessingContext) -> PlainDict:
        value = parsed(self.uuid_string)
        return {
            "uuid": str(value),
            "version": value.version,
            "variant": str(value.variant),
            "hex": value.hex,
            "int": value.int,
            "urn": value.urn,
        }


class FormatUUID(UUIDNode):
    """A UUID in another form."""

    uuid_string: str = ""
    format: Literal["standard", "hex", "urn", "int", "bytes_hex"] = "standard"

    async def process(self, context: ProcessingContext) -> str:
        return FORMATS[self.format](parsed(self.uuid_string))


class IsValidUUID(UUIDNode):
    """Whether a text is a UUID, in any of its usual forms."""

    uuid_string: str = ""

    async def process(self, context: ProcessingContext) -> bool:
        try:
            parsed(self.uuid_string)
        except ValueError:
            return False
        return True


def parsed(text: str) -> uuid.UUID:
    """The UUID; ValueError where the text is none."""
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        raise ValueError(f"{shortened(text)} is no UUID") from None


def _namespace(name: str) -> uuid.UUID:
    known = NAMESPACES.get(name.strip().lower())
    if known is not None:
        return known
    try:
        return parsed(name)
    except ValueError:
        raise ValueError(
            f"{shortened(name)} is no namespace: choose {', '.join(NAMESPACES)}, or a UUID"
        ) from None
