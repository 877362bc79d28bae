"""nodetool.dictionary: dictionaries. No node changes the one it was given, since others may hold it too."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes.dictionary_files import LoadCSVFile, SaveCSVFile, SaveJSON
from nodetool_jupyter.nodes.dictionary_filter import (
    FilterDictByNumber,
    FilterDictByQuery,
    FilterDictByRange,
    FilterDictByValue,
    FilterDictRegex,
)
from nodetool_jupyter.nodes.matching import read_json

__all__ = [
    "ArgMax",
    "Combine",
    "Filter",
    "FilterDictByNumber",
    "FilterDictByQuery",
    "FilterDictByRange",
    "FilterDictByValue",
    "FilterDictRegex",
    "GetValue",
    "LoadCSVFile",
    "MakeDictionary",
    "ParseJSON",
    "ReduceDictionaries",
    "Remove",
    "SaveCSVFile",
    "SaveJSON",
    "ToJSON",
    "ToYAML",
    "Update",
    "Zip",
]


class DictionaryNode(BaseNode, prefix="nodetool.dictionary", abstract=True):
    """Base of the family."""


class GetValue(DictionaryNode):
    """The value of one key."""

    dictionary: dict[str, Any] = {}
    key: str = ""
    default: Any = Field(default=[], description="The result where there is no such key.")

    async def process(self, context: ProcessingContext) -> Any:
        return self.dictionary.get(self.key, self.default)


class Update(DictionaryNode):
    """The dictionary with new pairs; they replace those of the same key."""

    dictionary: dict[str, Any] = {}
    new_pairs: dict[str, Any] = {}

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        return self.dictionary | self.new_pairs


class Remove(DictionaryNode):
    """The dictionary without one key, whether it was there or not."""

    dictionary: dict[str, Any] = {}
    key: str = ""

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        return {key: value for key, value in self.dictionary.items() if key != self.key}


class Combine(DictionaryNode):
    """Two dictionaries as one; where both have a key, the second one's value counts."""

    dict_a: dict[str, Any] = {}
    dict_b: dict[str, Any] = {}

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        return self.dict_a | self.dict_b


class Filter(DictionaryNode):
    """Only the pairs of some keys, in the order of the keys."""

    dictionary: dict[str, Any] = {}
    keys: list[str] = Field(default=[], description="The keys to keep; those that aren't there are left out.")

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        return {key: self.dictionary[key] for key in self.keys if key in self.dictionary}


class Zip(DictionaryNode):
    """A dictionary of keys and values that stand at the same place of two lists, as far as both reach."""

    keys: list[Any] = []
    values: list[Any] = []

    async def process(self, context: ProcessingContext) -> dict[Any, Any]:
        return {_usable_key(key): value for key, value in zip(self.keys, self.values, strict=False)}


class MakeDictionary(DictionaryNode, dynamic=True):
    """A dictionary of all that is connected to this node or set on it, by the names of the handles."""

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        return dict(self.dynamic_properties)


class ArgMax(DictionaryNode):
    """The key of the largest number; the first one, where several are as large."""

    scores: dict[str, float] = {}

    async def process(self, context: ProcessingContext) -> str:
        if not self.scores:
            raise ValueError("an empty dictionary has no largest number")
        return max(self.scores, key=self.scores.__getitem__)


class ReduceDictionaries(DictionaryNode):
    """One dictionary of many: each gives the pair of its key field and its value field."""

    dictionaries: list[dict[str, Any]] = []
    key_field: str = ""
    value_field: str = Field(default="", description="Where empty, the value is the rest of the dictionary.")
    conflict_resolution: Literal["first", "last", "error"] = Field(
        default="first", description="Which value counts where several have the same key."
    )

    async def process(self, context: ProcessingContext) -> dict[Any, Any]:
        reduced: dict[Any, Any] = {}
        for number, record in enumerate(self.dictionaries):
            key = _usable_key(_field(record, self.key_field, number))
            if key in reduced and self.conflict_resolution != "last":
                if self.conflict_resolution == "error":
                    raise ValueError(f"more than one dictionary has the {self.key_field} {key!r}")
                continue
            reduced[key] = self._value(record, number)
        return reduced

    def _value(self, record: dict[str, Any], number: int) -> Any:
        if self.value_field:
            return _field(record, self.value_field, number)
        return {name: value for name, value in record.items() if name != self.key_field}


class ParseJSON(DictionaryNode):
    """The dictionary that a JSON object describes."""

    json_string: str = ""

    async def process(self, context: ProcessingContext) -> dict[str, Any]:
        value = read_json(self.json_string)
        if isinstance(value, dict):
            return value
        raise ValueError(f"expected a JSON object, found a {type(value).__name__}")


class ToJSON(DictionaryNode):
    """The dictionary as JSON text."""

    dictionary: dict[str, Any] = {}

    async def process(self, context: ProcessingContext) -> str:
        try:
            return json.dumps(self.dictionary, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"this dictionary can't be written as JSON: {error}") from None


class ToYAML(DictionaryNode):
    """The dictionary as YAML text, in its own order."""

    dictionary: dict[str, Any] = {}

    async def process(self, context: ProcessingContext) -> str:
        import yaml

        try:
            return yaml.safe_dump(self.dictionary, sort_keys=False, allow_unicode=True)
        except (yaml.YAMLError, RecursionError) as error:
            raise ValueError(f"this dictionary can't be written as YAML: {error}") from None


def _field(record: dict[str, Any], name: str, number: int) -> Any:
    if name not in record:
        names = ", ".join(map(repr, list(record)[:20]))
        raise ValueError(f"dictionary {number} has no {name!r}; it has {names or 'nothing'}")
    return record[name]


def _usable_key(key: Any) -> Any:
    try:
        hash(key)
    except TypeError:
        raise ValueError(f"a {type(key).__name__} can't be the key of a dictionary") from None
    return key
