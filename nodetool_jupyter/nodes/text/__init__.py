"""nodetool.text: texts, in modules by what is done with them."""

from __future__ import annotations

from nodetool_jupyter.nodes.text.change import (
    CapitalizeText,
    CollapseWhitespace,
    Extract,
    PadText,
    RemovePunctuation,
    Replace,
    Slice,
    Slugify,
    StripAccents,
    SurroundWith,
    ToLowercase,
    ToTitlecase,
    ToUppercase,
    TrimWhitespace,
    TruncateText,
)
from nodetool_jupyter.nodes.text.check import (
    Compare,
    Contains,
    EndsWith,
    Equals,
    HasLength,
    IndexOf,
    IsEmpty,
    Length,
    StartsWith,
)
from nodetool_jupyter.nodes.text.combine import Chunk, Concat, Join, Split, ToString
from nodetool_jupyter.nodes.text.files import LoadTextAssets, LoadTextFolder, SaveText, SaveTextFile
from nodetool_jupyter.nodes.text.parse import ExtractJSON, HtmlToText, ParseJSON
from nodetool_jupyter.nodes.text.regex import (
    ExtractRegex,
    FindAllRegex,
    RegexMatch,
    RegexReplace,
    RegexSplit,
    RegexValidate,
)
from nodetool_jupyter.nodes.text.stream import Collect, FilterRegexString, FilterString
from nodetool_jupyter.nodes.text.template import FormatText, Template
from nodetool_jupyter.nodes.text.tokens import CountTokens

__all__ = [
    "CapitalizeText",
    "Chunk",
    "CollapseWhitespace",
    "Collect",
    "Compare",
    "Concat",
    "Contains",
    "CountTokens",
    "EndsWith",
    "Equals",
    "Extract",
    "ExtractJSON",
    "ExtractRegex",
    "FilterRegexString",
    "FilterString",
    "FindAllRegex",
    "FormatText",
    "HasLength",
    "HtmlToText",
    "IndexOf",
    "IsEmpty",
    "Join",
    "Length",
    "LoadTextAssets",
    "LoadTextFolder",
    "PadText",
    "ParseJSON",
    "RegexMatch",
    "RegexReplace",
    "RegexSplit",
    "RegexValidate",
    "RemovePunctuation",
    "Replace",
    "SaveText",
    "SaveTextFile",
    "Slice",
    "Slugify",
    "Split",
    "StartsWith",
    "StripAccents",
    "SurroundWith",
    "Template",
    "ToLowercase",
    "ToString",
    "ToTitlecase",
    "ToUppercase",
    "TrimWhitespace",
    "TruncateText",
]
