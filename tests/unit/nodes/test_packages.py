"""Packages that the core install leaves out: where one is missing, its nodes say how to get it."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nodetool_jupyter
from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.nodes import beautifulsoup, excel, http, json, markdown, rss, seaborn, svg
from tests.unit.nodes.support import run_node

PACKAGE = Path(nodetool_jupyter.__file__).parent
CHART = {**seaborn.NO_CHART, "data": {"series": [{"x": "a"}]}}


@pytest.mark.parametrize(
    ("node", "properties", "module", "wanted"),
    [
        (http.GetRequest, {"url": "http://a.example/"}, "httpx", ("httpx", "http")),
        (
            http.DownloadFiles,
            {"urls": ["http://a.example/"], "output_folder": "."},
            "httpx",
            ("httpx", "http"),
        ),
        (rss.ExtractFeedMetadata, {"url": "data:,x"}, "feedparser", ("feedparser", "http")),
        (excel.CreateWorkbook, {}, "openpyxl", ("openpyxl", "excel")),
        (beautifulsoup.HTMLToText, {"text": "x"}, "bs4", ("beautifulsoup4", "text")),
        (markdown.ExtractLinks, {"markdown": "x"}, "markdown_it", ("markdown-it-py", "text")),
        (json.ValidateJSON, {}, "jsonschema_rs", ("jsonschema-rs", "text")),
        (json.GetJSONPathStr, {"path": "$.a"}, "jsonpath_ng.parser", ("jsonpath-ng", "text")),
        (svg.SVGToImage, {}, "resvg_py", ("resvg-py", "svg")),
        (
            seaborn.ChartRenderer,
            {"data": pd.DataFrame({"a": [1]}), "chart_config": CHART},
            "seaborn",
            ("seaborn", "charts"),
        ),
    ],
)
def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, node: Any, properties: Any, module: str, wanted: tuple[str, str]
) -> None:
    """With the command that brings it."""
    package, extra = wanted
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(NodeToolError, match=f"this node needs the package {package}") as caught:
        run_node(node, properties)
    assert caught.value.hint == f"pip install 'nodetool-jupyter[{extra}]', then restart the kernel"


@pytest.mark.parametrize(
    ("module", "prefix", "extra"),
    [
        ("pandas", "nodetool.data", "data"),
        ("PIL", "nodetool.image", "image"),
        ("numpy", "lib.numpy.math", "image"),
    ],
)
def test_a_family_that_can_not_be_imported(module: str, prefix: str, extra: str) -> None:
    """It says the same, and the other families are there."""
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from nodetool_jupyter.engine.registry import Registry\n"
        "from nodetool_jupyter.nodes import FAMILIES\n"
        "registry = Registry(FAMILIES)\n"
        "assert len(registry.all()) > 100\n"
        f"try: registry.get({prefix + '.X'!r})\n"
        "except Exception as error: print(error.message, '|', error.hint)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    message, hint = result.stdout.strip().split(" | ")
    assert message.startswith(f"the nodes of {prefix} can't be loaded: ")
    assert hint == f"pip install 'nodetool-jupyter[{extra}]', then restart the kernel"


def test_each_extra_has_what_its_nodes_need() -> None:
    """What a hint says to install does bring the package, also by way of another extra."""
    extras = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]

    def brings(extra: str) -> str:
        inner = [
            part.split("[")[1].rstrip("]").split(",")
            for part in extras[extra]
            if part.startswith("nodetool-jupyter[")
        ]
        return " ".join([*extras[extra], *(brings(name) for names in inner for name in names)])

    needed = {
        tuple(argument.value for argument in call.args[1:] if isinstance(argument, ast.Constant))
        for path in (PACKAGE / "nodes").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "need"
    }
    assert len(needed) > 8
    assert not [(package, extra) for package, extra in needed if package not in brings(str(extra))]
    assert all(package in brings("nodes") for package, _ in needed)
