"""Results by content: what a node with ``cache=True`` gave for the same code and the same inputs, in any job.

A result is kept as one file of bytes by an owner that is handed in. What can't be kept or read is computed,
and the node's log says why: a cache never fails a job.
"""

from __future__ import annotations

import dis
import hashlib
import platform
import sys
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from nodetool_jupyter.engine.code import add_code
from nodetool_jupyter.engine.contents import Unread, compared_by_content
from nodetool_jupyter.engine.resuming import digest_of_values
from nodetool_jupyter.engine.spec import NodeSpec
from nodetool_jupyter.errors import NodeToolError, ValueCrossingError
from nodetool_jupyter.values.codec import decode, encode

if TYPE_CHECKING:
    from nodetool_jupyter.engine.context import ProcessingContext, ResultCache
    from nodetool_jupyter.engine.plan import PlanNode

FORM = 2
"""Version of what is kept."""
LARGEST = 32 * 1024 * 1024
"""Bytes of a result that is kept."""
INLINE = 2**62
DIGEST = 64


class Uncacheable(Exception):
    """Why a result can't be kept, as a phrase."""


class NodeCache:
    """The cache as one node uses it. Nothing in it is a pickle."""

    def __init__(self, cache: ResultCache, node: PlanNode, context: ProcessingContext) -> None:
        self._cache = cache
        self._node = node
        self._context = context
        self._code = digest_of_code(node.spec)

    def key(self, values: Mapping[str, Any]) -> str:
        """What the result for these inputs depends on, as a digest; raises Uncacheable."""
        node = self._node
        try:
            whole = {**node.properties, **node.dynamic_properties, **values}
            inputs = digest_of_values(compared_by_content(whole, self._context))
        except NodeToolError as error:
            raise Uncacheable(f"an input can't be compared: {error.message}") from error
        except (Unread, RecursionError) as error:
            raise Uncacheable(str(error)) from error
        versions = [FORM, *platform.python_version_tuple()[:2], self._context.user_id]
        return hashlib.sha256(to_json([versions, node.spec.type, self._code, inputs])).hexdigest()

    def get(self, key: str) -> tuple[Any] | None:
        """The result under a key; raises Uncacheable, once, for one that can't be read."""
        data = self._cache.get(key)
        if data is None:
            return None
        digest, body = data[:DIGEST], data[DIGEST:]
        try:
            if hashlib.sha256(body).hexdigest().encode() == digest:
                return (decode(from_json(body)),)
        except (
            ValueError,
            NodeToolError,
        ) as error:  # of a class that isn't here, say: another job can read it
            raise Uncacheable(f"the kept result can't be read here: {error}") from error
        self._cache.drop(key)
        raise Uncacheable("the kept result was damaged, and is dropped")

    def encoded(self, result: Any) -> bytes:
        """A result as it is kept, a copy; raises Uncacheable."""
        try:
            body = to_json(encode(result, None, INLINE, name="the result"))
        except (ValueCrossingError, ValueError, RecursionError) as error:
            raise Uncacheable(getattr(error, "message", str(error))) from error
        if len(body) > LARGEST:
            raise Uncacheable(
                f"it takes {len(body) // 2**20:,} MiB, and at most {LARGEST // 2**20} MiB are kept"
            )
        return hashlib.sha256(body).hexdigest().encode() + body

    def keep(self, key: str, data: bytes) -> None:
        """Keep what ``encoded`` gave."""
        self._cache.keep(key, data)


def digest_of_code(spec: NodeSpec) -> str:
    """What a node type does: its own code, that of the functions it calls by name, and the plain values that
    they read; of modules only their name and version. Raises Uncacheable for what can't be compared.
    """
    source = spec.source
    code = _Code(source)
    if isinstance(source, type):
        code.add_class(source)
    else:
        code.add(spec.type, getattr(source, "function", source))
    return code.digest.hexdigest()


class _Code:
    """The digest of functions and of all that they reach, each once."""

    def __init__(self, top: Any) -> None:
        self._top = top
        self.digest = hashlib.sha256()
        self._seen: set[int] = set()

    def _note(self, *words: object) -> None:
        self.digest.update(to_json([str(word) for word in words]))

    def add(self, name: str, value: Any) -> None:
        """Whatever code may refer to by a name."""
        function = getattr(value, "function", None) if not isinstance(value, ModuleType) else None
        value = function if isinstance(function, FunctionType) else value
        if isinstance(value, ModuleType):
            self._note("module", value.__name__, vars(value).get("__version__", ""))
        elif isinstance(value, type):
            self.add_class(value)
        elif isinstance(value, FunctionType):
            self.add_function(value)
        elif isinstance(value, BuiltinFunctionType):
            self._note("builtin", value.__module__, value.__qualname__)
        else:
            self._note(name)
            self.digest.update(to_json(_comparable(name, value)))

    def add_class(self, cls: type) -> None:
        """The methods of a class and of its bases; those of installed packages by name."""
        self._note("class", cls.__module__, cls.__qualname__)
        for base in cls.__mro__:
            if id(base) in self._seen or not (base is self._top or _is_users(base.__module__)):
                continue
            self._seen.add(id(base))
            for name, value in vars(base).items():
                method = getattr(value, "__func__", getattr(value, "fget", value))
                if isinstance(method, FunctionType):
                    self._note(name)
                    self.add_function(method)

    def add_function(self, function: FunctionType) -> None:
        """Its code, defaults, closure, and what it reaches by name."""
        if id(function) in self._seen:
            return
        self._seen.add(id(function))
        self._note("function", function.__module__, function.__qualname__)
        add_code(self.digest.update, function.__code__)
        if not _is_users(function.__module__):
            return
        self.add("defaults", [function.__defaults__, function.__kwdefaults__])
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
            self.add(name, cell.cell_contents)
        for name in sorted({*_names(function.__code__)}):
            if name in function.__globals__:
                self.add(name, function.__globals__[name])


def _names(code: CodeType) -> Iterator[str]:
    """The globals that code reads."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _is_users(module: str | None) -> bool:
    """Whether code of a module may change without a new version of a package."""
    if module is None or module == "__main__":
        return True
    file = getattr(sys.modules.get(module), "__file__", None)
    if module.partition(".")[0] in {"nodetool_jupyter", *sys.stdlib_module_names}:
        return False
    return not (file and ("site-packages" in file or "dist-packages" in file))


def _comparable(name: str, value: Any) -> Any:
    try:
        return digest_of_values({name: value})
    except NodeToolError as error:
        raise Uncacheable(f"its code uses {name}, which can't be compared: {error.message}") from error
