"""The commands about graphs and node types: ``graph FILE|ID``, ``export NAME FILE`` and ``nodes [QUERY]``."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

from nodetool_jupyter.authoring import CELL_NODES
from nodetool_jupyter.authoring.files import FORMATS, save_workflow
from nodetool_jupyter.authoring.nested import nodes_in
from nodetool_jupyter.authoring.options import CellOptions
from nodetool_jupyter.engine.node import NOTEBOOK
from nodetool_jupyter.engine.registry import OURS, Registry, module_specs
from nodetool_jupyter.engine.spec import REQUIRED, InputSpec, NodeSpec
from nodetool_jupyter.errors import OptionError, WorkflowError
from nodetool_jupyter.job import Job
from nodetool_jupyter.magics.arguments import Arguments
from nodetool_jupyter.magics.cell import read_body
from nodetool_jupyter.magics.jobs import show_graph_of_job
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.magics.tables import put, tell
from nodetool_jupyter.model.graph import Graph, Workflow
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.session import as_workflow
from nodetool_jupyter.views.drawing import drawn
from nodetool_jupyter.views.sheet import Grid, Heading, Part, Sheet, Words
from nodetool_jupyter.views.snapshot import JobView
from nodetool_jupyter.views.text import nodes_text
from nodetool_jupyter.views.values import inline

LISTED = 60
UNKNOWN_SHOWN = 20
IN_FULL = 1
"""Node types up to which each is shown with its fields."""
SAMPLE_CHARS = 40
HIDDEN = tuple(f"{prefix}." for prefix in CELL_NODES)
NOT_NODETOOLS = (f"{NOTEBOOK}.", *HIDDEN)
"""How types begin that only a notebook has: its own, and those that Python cells make."""
SAMPLES = {"str": '"text"', "int": "1", "float": "0.5", "bool": "True", "list": "[1, 2]", "dict": '{"a": 1}'}


def show_graph(notebook: Notebook, given: Arguments) -> None:
    """``graph``: of a workflow file, or of a job with its states."""
    path = Path(given.word).expanduser()
    if path.suffix.lower() not in FORMATS and not path.exists():
        show_graph_of_job(notebook, given.word)
        return
    authored = read_body(notebook, CellOptions(file=path))
    graph, registry = authored.graph, notebook.session().registry
    if graph is None:
        raise OptionError(f"{path} makes no nodes: there is nothing to draw", hint="call a node in it")
    for spec in authored.specs.values():
        registry.add(spec)
    name = authored.name or path.stem
    view = JobView(graph, name)
    unknown = _mark_unknown(view, registry)
    note = "? is not known here: " + "; ".join(unknown) if unknown else ""
    put(Sheet([Heading(name), drawn(graph, name, view), *([Words(note)] if note else [])]))


def _mark_unknown(view: JobView, registry: Registry) -> list[str]:
    """Mark the titles of nodes whose type isn't there; gives these types, each with its package."""
    reasons: dict[str, str | None] = {}
    for node in view.nodes.values():
        if node.type not in reasons:
            reasons[node.type] = _unknown(node.type, registry)
        if reasons[node.type] is not None:
            node.title = f"? {node.title}"
    found = [reason for reason in reasons.values() if reason is not None]
    more = len(found) - UNKNOWN_SHOWN
    return [*found[:UNKNOWN_SHOWN], *([f"and {more} more types"] if more > 0 else [])]


def _unknown(node_type: str, registry: Registry) -> str | None:
    try:
        if registry.get(node_type) is not None:
            return None
    except WorkflowError as error:
        return f"{node_type}: {error.message}"
    package = registry.package_of(node_type)
    return f"{node_type} ({package})" if package else node_type


def export(notebook: Notebook, given: Arguments) -> None:
    """``export``: a workflow of the notebook by its variable, or what a job ran, as a file that NodeTool
    opens.
    """
    workflow = _named(notebook, given.word)
    path = save_workflow(workflow, given.more)
    own = sorted({node.type for node in nodes_in(workflow.graph) if node.type.startswith(NOT_NODETOOLS)})
    more = f" and {len(own) - UNKNOWN_SHOWN} more" if len(own) > UNKNOWN_SHOWN else ""
    names = ", ".join(own[:UNKNOWN_SHOWN]) + more
    note = f"; NodeTool doesn't know the notebook's own nodes: {names}" if own else ""
    tell(f"saved {nodes_text(len(workflow.graph.nodes))} to {path}{note}")


def _named(notebook: Notebook, name: str) -> Workflow:
    """A variable that holds a workflow goes first; any other is not meant."""
    value = notebook.namespace.get(name)
    session = notebook.session()
    if isinstance(value, (Workflow, Graph)) or (
        isinstance(value, dict) and {"nodes", "graph"} & value.keys()
    ):
        workflow = as_workflow(value)
        return workflow if workflow.name else workflow.model_copy(update={"name": name})
    job = value if isinstance(value, Job) else session.find(name)
    return Workflow(name=job.name or "workflow", graph=job.graph)


def show_nodes(notebook: Notebook, given: Arguments) -> None:
    """``nodes``: the types that match all words of the query; one alone is shown in full."""
    registry = notebook.session().registry
    found = search(registry, given.word)
    if not found:
        near = registry.suggest(given.word)
        hint = f"did you mean {near}?" if near else "%nodetool nodes lists all"
        raise OptionError(f"no node type matches {given.word!r}", hint=hint)
    both = [Words(text) for text in twins(registry, found[:LISTED])]
    if len(found) <= IN_FULL:
        put(Sheet([*(part for spec in found for part in described(spec)), *both]))
        return
    rows = [(spec.type, _inputs_in_short(spec), _first_line(spec.description)) for spec in found[:LISTED]]
    more = len(found) - len(rows)
    note = "%nodetool nodes TYPE shows one in full"
    note += f"; {more} more match, another word narrows it" if more else ""
    put(Sheet([Grid(rows, ("type", "inputs", "what it does")), *both, Words(note)]))


def twins(registry: Registry, found: list[NodeSpec]) -> list[str]:
    """A sentence for those types that both this library and an installed package have, and which is used."""
    said = []
    for is_built_in, used, other in ((True, "built-in", 1), (False, "installed", 0)):
        both = [spec.type for spec in found if _is_ours(spec) is is_built_in and _has_twin(registry, spec)]
        if both:
            names = ", ".join(both[:UNKNOWN_SHOWN])
            one = f"the {used} one is used; NODETOOL_PREFER_INSTALLED_NODES={other} turns it round"
            said.append(f"an installed NodeTool package has {names} too: {one}, in a new kernel")
    return said


def _is_ours(spec: NodeSpec) -> bool:
    return str(getattr(spec.source, "__module__", "")).startswith(OURS)


def _has_twin(registry: Registry, spec: NodeSpec) -> bool:
    """Whether the other of the two has a type as well."""
    if not _is_ours(spec):
        modules = FAMILIES.get(spec.type.rpartition(".")[0], ())
        return any(
            each.type == spec.type for module in modules for each in module_specs(import_module(module))
        )
    try:
        return registry.others is not None and registry.others.find(spec.type) is not None
    except WorkflowError:  # its module is there and can't be imported, which the list of all says
        return False


def search(registry: Registry, query: str) -> list[NodeSpec]:
    """Node types by type, title and description; one named in full, or by its class, is found alone."""
    specs = [spec for spec in registry.all() if not spec.type.startswith(HIDDEN)]
    wanted = query.lower()
    alone = [spec for spec in specs if wanted == spec.type.lower() or query == spec.type.rpartition(".")[2]]
    if len(alone) == 1:
        return alone
    words = wanted.split()
    return [
        spec
        for spec in specs
        if all(word in f"{spec.type} {spec.title} {spec.description}".lower() for word in words)
    ]


def described(spec: NodeSpec) -> list[Part]:
    """A node type in full: what it does, fields, outputs, an example."""
    inputs = [
        (name, str(field.type), _default(field), field.description) for name, field in spec.inputs.items()
    ]
    outputs = [(name, str(kind)) for name, kind in spec.outputs.items()]
    more = "it takes further inputs of any name" if spec.dynamic else ""
    return [
        Heading(f"{spec.title} · {spec.type}"),
        *([Words(_words(spec.description))] if spec.description else []),
        Grid(inputs, ("input", "type", "default", "what it is")) if inputs else Words("it has no inputs"),
        *([Words(more)] if more else []),
        *([Grid(outputs, ("output", "type"))] if outputs else []),
        Words(example(spec), is_code=True),
    ]


def example(spec: NodeSpec) -> str:
    """How a cell makes such a node: in Python, where it can be imported, else as JSON."""
    fields = list(spec.inputs.values())
    shown = [field for field in fields if field.default is REQUIRED] or fields[:2]
    home = _home(spec)
    if home is None:
        data = {field.name: None if field.default is REQUIRED else field.default for field in shown}
        return json.dumps({"id": "n1", "type": spec.type, "data": data}, default=str)
    setup, name = home
    call = f"{name}({', '.join(f'{field.name}={_sample(field)}' for field in shown)})"
    return f"{setup}\n{call}" if setup else call


def _home(spec: NodeSpec) -> tuple[str, str] | None:
    """(import line, name to call), where there is a name."""
    prefix, _, name = spec.type.rpartition(".")
    if prefix == NOTEBOOK:
        return "", name
    for home in dict.fromkeys(".".join(module.split(".")[:3]) for module in FAMILIES.get(prefix, ())):
        if hasattr(import_module(home), name):
            package, _, short = home.rpartition(".")
            return f"from {package} import {short}", f"{short}.{name}"
    return None


def _sample(field: InputSpec) -> str:
    """A value that the field takes, as it is written in Python; ``...`` where that would be long."""
    if field.default is not REQUIRED and field.default not in ("", None):
        written = repr(field.default)
        return written if len(written) <= SAMPLE_CHARS else "..."
    if field.type.values:
        return repr(field.type.values[0])
    return SAMPLES.get(field.type.type, "...")


def _default(field: InputSpec) -> str:
    return "required" if field.default is REQUIRED else inline(repr(field.default), 40)


def _inputs_in_short(spec: NodeSpec) -> str:
    names = [f"{name}: {field.type}" for name, field in spec.inputs.items()]
    return ", ".join([*names[:4], *(["…"] if len(names) > 4 or spec.dynamic else [])])


def _first_line(text: str) -> str:
    return next((line.strip() for line in _words(text).splitlines() if line.strip()), "")


def _words(text: str) -> str:
    """A docstring as it is read; its double backticks are for tools."""
    return text.replace("``", "`")
