"""The library as a whole: what is found under which name, and what it costs to load."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from nodetool_jupyter.engine.registry import Registry, module_specs
from nodetool_jupyter.engine.spec import NodeSpec, Role
from nodetool_jupyter.nodes import FAMILIES

MODULES = [(prefix, module) for prefix, modules in FAMILIES.items() for module in modules]
SPECS = Registry(FAMILIES).all()
ENDS = {
    "lib.excel.SaveWorkbook",
    "lib.os.CreateDirectory",
    "lib.os.MoveFile",
    "nodetool.dictionary.SaveCSVFile",
    "nodetool.document.SaveDocumentFile",
}
"""Types that only do something, in NodeTool too."""


@pytest.mark.parametrize(("prefix", "module"), MODULES)
def test_a_module_holds_its_family(prefix: str, module: str) -> None:
    """Every type of a module begins with the prefix that leads to it, so that each is found by its name."""
    specs = module_specs(importlib.import_module(module))
    assert specs
    assert {spec.type.rpartition(".")[0] for spec in specs} == {prefix}


def test_types_are_there_once() -> None:
    """No module hides a type of another one."""
    found = [spec.type for _, module in MODULES for spec in module_specs(importlib.import_module(module))]
    assert sorted(found) == sorted(set(found)) == [spec.type for spec in SPECS]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.type)
def test_a_type_can_be_used_as_it_is(spec: NodeSpec) -> None:
    """Each says what it does, and has a default for each property, as NodeTool's editor needs."""
    assert spec.description.endswith((".", "``"))
    assert all(type(item.default).__name__ != "_Required" for item in spec.inputs.values())
    assert spec.outputs or spec.role in (Role.COMMENT, Role.WORKFLOW) or spec.type in ENDS


def test_naming_the_families_loads_none() -> None:
    """The first cell of a notebook pays only for the families that it uses."""
    code = (
        "import sys; import nodetool_jupyter.nodes; "
        "print([m for m in sys.modules if m.startswith('nodetool_jupyter.nodes.')]); "
        "from nodetool_jupyter.nodes import text, list, dictionary, control; "
        "heavy = ('pandas', 'PIL', 'jinja2', 'html2text', 'jsonpath_ng', 'yaml'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split("\n")[:2] == ["[]", "[]"]
