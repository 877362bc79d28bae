"""Run NodeTool workflows from a notebook: IPython's hooks, and the public names by lazy import.

Importing this module imports nothing else, so that ``%load_ext nodetool_jupyter`` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nodetool_jupyter.authoring.builder import Input as Input
    from nodetool_jupyter.authoring.builder import output as output
    from nodetool_jupyter.authoring.files import load_workflow as load_workflow
    from nodetool_jupyter.authoring.files import save_workflow as save_workflow
    from nodetool_jupyter.engine.context import ProcessingContext as ProcessingContext
    from nodetool_jupyter.engine.function import node as node
    from nodetool_jupyter.engine.node import BaseNode as BaseNode
    from nodetool_jupyter.engine.runner import WorkflowRunner as WorkflowRunner
    from nodetool_jupyter.errors import AssetNotFound as AssetNotFound
    from nodetool_jupyter.errors import CellError as CellError
    from nodetool_jupyter.errors import InvalidGraph as InvalidGraph
    from nodetool_jupyter.errors import JobCancelled as JobCancelled
    from nodetool_jupyter.errors import JobError as JobError
    from nodetool_jupyter.errors import JobFailed as JobFailed
    from nodetool_jupyter.errors import JobNotFound as JobNotFound
    from nodetool_jupyter.errors import JobSuspended as JobSuspended
    from nodetool_jupyter.errors import JobTimedOut as JobTimedOut
    from nodetool_jupyter.errors import NodeError as NodeError
    from nodetool_jupyter.errors import NodeToolError as NodeToolError
    from nodetool_jupyter.errors import OptionError as OptionError
    from nodetool_jupyter.errors import SettingsError as SettingsError
    from nodetool_jupyter.errors import StoreError as StoreError
    from nodetool_jupyter.errors import StrategyError as StrategyError
    from nodetool_jupyter.errors import StrategyUnavailable as StrategyUnavailable
    from nodetool_jupyter.errors import UnknownStrategy as UnknownStrategy
    from nodetool_jupyter.errors import UnsupportedLimit as UnsupportedLimit
    from nodetool_jupyter.errors import ValueCrossingError as ValueCrossingError
    from nodetool_jupyter.errors import WorkflowError as WorkflowError
    from nodetool_jupyter.job import Job as Job
    from nodetool_jupyter.manager import JobExecutionManager as JobExecutionManager
    from nodetool_jupyter.model.control import RunEvent as RunEvent
    from nodetool_jupyter.model.control import StopEvent as StopEvent
    from nodetool_jupyter.model.events import Chunk as Chunk
    from nodetool_jupyter.model.events import EdgeUpdate as EdgeUpdate
    from nodetool_jupyter.model.events import JobUpdate as JobUpdate
    from nodetool_jupyter.model.events import LogUpdate as LogUpdate
    from nodetool_jupyter.model.events import NodeProgress as NodeProgress
    from nodetool_jupyter.model.events import NodeUpdate as NodeUpdate
    from nodetool_jupyter.model.events import Notification as Notification
    from nodetool_jupyter.model.events import OutputUpdate as OutputUpdate
    from nodetool_jupyter.model.events import PreviewUpdate as PreviewUpdate
    from nodetool_jupyter.model.events import SaveUpdate as SaveUpdate
    from nodetool_jupyter.model.graph import Edge as Edge
    from nodetool_jupyter.model.graph import Graph as Graph
    from nodetool_jupyter.model.graph import Node as Node
    from nodetool_jupyter.model.graph import Workflow as Workflow
    from nodetool_jupyter.model.job import JobStatus as JobStatus
    from nodetool_jupyter.model.request import ExecutionStrategy as ExecutionStrategy
    from nodetool_jupyter.model.request import ResourceLimits as ResourceLimits
    from nodetool_jupyter.model.request import RunJobRequest as RunJobRequest
    from nodetool_jupyter.strategies.base import JobExecution as JobExecution
    from nodetool_jupyter.strategies.threaded import ThreadedJobExecution as ThreadedJobExecution
    from nodetool_jupyter.widgets.here import run as run
    from nodetool_jupyter.widgets.here import submit as submit
    from nodetool_jupyter.widgets.panel import Panel as Panel

__version__ = "0.1.0"

_NAMES = {
    "authoring.builder": "Input output",
    "authoring.files": "load_workflow save_workflow",
    "engine.context": "ProcessingContext",
    "engine.function": "node",
    "engine.node": "BaseNode",
    "engine.runner": "WorkflowRunner",
    "errors": (
        "NodeToolError SettingsError OptionError WorkflowError CellError InvalidGraph ValueCrossingError "
        "StrategyError UnknownStrategy StrategyUnavailable UnsupportedLimit StoreError AssetNotFound "
        "JobNotFound JobError NodeError JobFailed JobTimedOut JobCancelled JobSuspended"
    ),
    "job": "Job",
    "manager": "JobExecutionManager",
    "model.control": "RunEvent StopEvent",
    "model.events": (
        "JobUpdate NodeUpdate NodeProgress EdgeUpdate OutputUpdate PreviewUpdate SaveUpdate LogUpdate "
        "Notification Chunk"
    ),
    "model.graph": "Workflow Graph Node Edge",
    "model.job": "JobStatus",
    "model.request": "RunJobRequest ExecutionStrategy ResourceLimits",
    "strategies.base": "JobExecution",
    "strategies.threaded": "ThreadedJobExecution",
    "widgets.here": "run submit",
    "widgets.panel": "Panel",
}
_HOMES = {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names.split()}

__all__ = [*_HOMES, "__version__", "load_ipython_extension", "unload_ipython_extension"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    from importlib import import_module

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(home), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register ``%%nodetool`` and ``%nodetool``; IPython calls it for ``%load_ext nodetool_jupyter``."""
    from nodetool_jupyter.magics.extension import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take the magics away again; jobs that run go on."""
    from nodetool_jupyter.magics.extension import unload

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Asked by Jupyter Server, which is there with the extra ``lab``; a kernel never calls it."""
    from importlib import import_module

    module = f"{__name__}.server.extension"
    return [{"module": module, "app": import_module(module).NodeToolServer}]
