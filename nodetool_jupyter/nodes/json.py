"""lib.json: JSON texts, and what lies in JSON data by its path."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypedDict, TypeVar

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.nodes import fields, files
from nodetool_jupyter.nodes.dictionary_files import json_text
from nodetool_jupyter.nodes.fields import PlainDict
from nodetool_jupyter.nodes.json_path import MISSING, find
from nodetool_jupyter.nodes.matching import read_json, shortened
from nodetool_jupyter.nodes.packages import need

MAX_DEPTH = 200
"""Of data that is worked on by recursion."""
PLACEHOLDER = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([^{}]+)\})")
OUTSIDE = re.compile(rf'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|{PLACEHOLDER.pattern}', re.DOTALL)
"""Texts, which are passed over, and placeholders outside of them. A text may lack its end: else each quote
would be searched from again.
"""
WHOLE = "\0"
"""Stands before a name, in a text that becomes the value itself."""
Kind = TypeVar("Kind")
PlainList = Annotated[list[Any], TypeMetadata(type="list")]


class JSONNode(BaseNode, prefix="lib.json", abstract=True):
    """Base of the family. JSON may be large: all of them run in the thread pool."""


class ParseDict(JSONNode):
    """The dictionary that a JSON object describes."""

    json_string: str = ""

    def process(self, context: ProcessingContext) -> PlainDict:
        return _of_type(read_json(self.json_string), dict, "a JSON object")


class ParseList(JSONNode):
    """The list that a JSON array describes."""

    json_string: str = ""

    def process(self, context: ProcessingContext) -> PlainList:
        return _of_type(read_json(self.json_string), list, "a JSON array")


class StringifyJSON(JSONNode):
    """A value as JSON text, in ASCII: other characters are escaped."""

    data: Any = Field(default={}, description="What JSON can hold.")
    indent: int = Field(default=2, description="Spaces for each level; with 0 there are new lines alone.")

    def process(self, context: ProcessingContext) -> str:
        return json_text(self.data, self.indent)


class FilterJSON(JSONNode):
    """The dictionaries of a list that have a certain value under a key."""

    array: list[PlainDict] = []
    key: str = ""
    value: Any = {}

    def process(self, context: ProcessingContext) -> list[PlainDict]:
        return [item for item in self.array if self.key in item and item[self.key] == self.value]


class PathNode(JSONNode, abstract=True):
    """Base of those that look for one value."""

    data: Any = Field(default={}, description="What JSON can hold.")
    path: str = Field(
        default="",
        description="Keys and positions, such as users.0.name or users[0].name, or a JSONPath from $ on. "
        "The default is the result where there is no such value, or null.",
    )

    def _found(self, kind: str, convert: Callable[[Any], Any], default: Any) -> Any:
        value = find(self.data, self.path)
        if value is MISSING or value is None:
            return default
        try:
            return convert(value)
        except (TypeError, ValueError, OverflowError):
            found = shortened(value) if isinstance(value, str) else type(value).__name__
            raise ValueError(f"expected {kind} at {shortened(self.path)}, found {found}") from None


class GetJSONPathStr(PathNode):
    """The value at a path of JSON data, as text."""

    default: str = ""

    def process(self, context: ProcessingContext) -> str:
        return str(self._found("a text", str, self.default))


class GetJSONPathInt(PathNode):
    """The whole number at a path of JSON data; a text may hold it, and a fraction is cut off."""

    default: int = 0

    def process(self, context: ProcessingContext) -> int:
        return int(self._found("a whole number", int, self.default))


class GetJSONPathFloat(PathNode):
    """The number at a path of JSON data; a text may hold it."""

    default: float = 0.0

    def process(self, context: ProcessingContext) -> float:
        return float(self._found("a number", float, self.default))


class GetJSONPathBool(PathNode):
    """Whether the value at a path of JSON data is anything but false, 0, or empty."""

    default: bool = False

    def process(self, context: ProcessingContext) -> bool:
        return bool(self._found("true or false", bool, self.default))


class GetJSONPathList(PathNode):
    """The list at a path of JSON data."""

    default: PlainList = []

    def process(self, context: ProcessingContext) -> PlainList:
        found: list[Any] = self._found("a list", lambda value: _of_type(value, list, ""), self.default)
        return found


class GetJSONPathDict(PathNode):
    """The dictionary at a path of JSON data."""

    default: PlainDict = {}

    def process(self, context: ProcessingContext) -> PlainDict:
        found: dict[str, Any] = self._found(
            "a dictionary", lambda value: _of_type(value, dict, ""), self.default
        )
        return found


class JSONTemplate(JSONNode):
    """A JSON object with values in place of ``$name`` and ``${name}``.

    As in ``{"name": "$name", "age": $age}``: within quotes a value is written out, elsewhere it is itself.
    """

    template: str = ""
    values: dict[str, Any] = {}

    def process(self, context: ProcessingContext) -> PlainDict:
        unknown: dict[str, None] = {}
        template = read_json(_quoted(self.template, self.values))
        _check_depth("template", template)
        filled = _filled(template, self.values, unknown)
        if unknown:
            context.log(f"values has nothing for {', '.join(unknown)}, which is left as it is", "warning")
        return _of_type(filled, dict, "a JSON object")


class ValidateJSON(JSONNode):
    """Whether a value fits a JSON Schema; the log says what doesn't. A schema's references stay within it."""

    data: Any = {}
    json_schema: PlainDict = {}

    def process(self, context: ProcessingContext) -> bool:
        schemas = need("jsonschema_rs", "jsonschema-rs", "text")
        _check_depth("json_schema", self.json_schema)
        _check_depth("data", self.data)
        try:
            validator = schemas.validator_for(self.json_schema, retriever=_stay_within)
        except (ValueError, schemas.ReferencingError) as error:
            raise ValueError(f"the JSON schema can't be used: {_first_line(error)}") from None
        try:
            problems = list(islice(validator.iter_errors(self.data), 5))
        except ValueError as error:
            raise ValueError(f"the data is no JSON: {_first_line(error)}") from None
        kinds = schemas.ValidationErrorKind
        if any(
            isinstance(problem.kind, (kinds.BacktrackLimitExceeded, kinds.RegexEngineFailure))
            for problem in problems
        ):
            raise ValueError("a pattern of the schema takes too long on this data")
        for problem in problems:
            context.log(_first_line(problem))
        return not problems


class LoadJSONAssets(JSONNode):
    """Give out the JSON objects in the files of a folder of the workspace, one by one."""

    folder: fields.Folder = Field(default=fields.asset("folder"), description="Unset, it is the workspace.")

    class OutputType(TypedDict):
        json: PlainDict
        name: str

    async def gen_process(self, context: ProcessingContext) -> AsyncGenerator[OutputType, None]:
        for path in await files.listed(files.folder_of(context, self.folder), endings=(".json",)):
            loaded = await asyncio.to_thread(_loaded, path)
            yield {"json": loaded, "name": path.name}


def _loaded(path: Path) -> dict[str, Any]:
    try:
        return _of_type(read_json(files.read_text(path)), dict, "a JSON object")
    except ValueError as error:
        raise ValueError(f"{path.name!r}: {error}") from None


def _of_type(value: Any, kind: type[Kind], expected: str) -> Kind:
    if isinstance(value, kind):
        return value
    raise ValueError(f"expected {expected}, found {type(value).__name__}")


def _quoted(template: str, values: dict[str, Any]) -> str:
    """The template with a text in place of each placeholder outside of texts, so that it is JSON."""

    def marked(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return json.dumps(WHOLE + name) if name in values else match[0]

    return OUTSIDE.sub(marked, template)


def _filled(value: Any, values: dict[str, Any], unknown: dict[str, None]) -> Any:
    if isinstance(value, dict):
        return {
            _filled_text(key, values, unknown): _filled(item, values, unknown) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_filled(item, values, unknown) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith(WHOLE) and value[1:] in values:
        return values[value[1:]]
    return _filled_text(value, values, unknown)


def _filled_text(text: str, values: dict[str, Any], unknown: dict[str, None]) -> str:
    def written(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in values:
            unknown[name] = None
            return match[0]
        return str(values[name])

    return PLACEHOLDER.sub(written, text)


def _check_depth(name: str, value: Any) -> None:
    """ValueError for lists and dicts that are nested deeper than what recurses over them can bear."""
    level = [value]
    for _ in range(MAX_DEPTH):
        containers = [item for item in level if isinstance(item, (dict, list, tuple))]
        if not containers:
            return
        level = [part for item in containers for part in (item.values() if isinstance(item, dict) else item)]
    raise ValueError(f"{name} is nested more than {MAX_DEPTH} levels deep")


def _stay_within(uri: str) -> Any:
    raise ValueError(f"{uri[:80]} lies outside of the schema")


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", error)).partition("\n")[0][:300]
