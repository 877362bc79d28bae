"""``doctor``: all that a run needs here, the notebook's own parts first."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version

from nodetool_jupyter import __version__
from nodetool_jupyter.magics.arguments import Arguments
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.magics.tables import put
from nodetool_jupyter.views.doctor import CHECKS, Finding, Health, findings_grid, installed, made
from nodetool_jupyter.views.sheet import Sheet


def show_doctor(notebook: Notebook, _given: Arguments) -> None:
    """``doctor``: all findings."""
    findings = [*check_versions(notebook), *(finding for check in CHECKS for finding in made(check))]
    put(Sheet([findings_grid(findings)]))


def check_versions(notebook: Notebook) -> Iterator[Finding]:
    """The versions that matter to what is seen."""
    yield Finding("nodetool_jupyter", Health.GOOD, f"{__version__} on Python {platform.python_version()}")
    yield Finding("IPython", Health.GOOD, version("ipython"))
    yield kernel_finding(installed("ipykernel"), is_kernel=hasattr(notebook.shell, "kernel"))
    widgets = installed("ipywidgets")
    if not widgets:
        sentence = "not installed: progress is shown as text; pip install ipywidgets"
        yield Finding("ipywidgets", Health.NOTE, sentence)
    else:
        yield Finding("ipywidgets", Health.GOOD if int(widgets.split(".")[0]) >= 8 else Health.NOTE, widgets)


def kernel_finding(ipykernel: str, *, is_kernel: bool) -> Finding:
    """What the live view can do with this ipykernel."""
    if not is_kernel:
        return Finding("kernel", Health.NOTE, "a terminal, no Jupyter kernel: progress is shown as text")
    major, minor = (int(part) for part in ipykernel.split(".")[:2])
    if (major, minor) == (7, 0):
        sentence = "its live views stand still while a cell runs; progress is text; pip install -U ipykernel"
        return Finding("ipykernel", Health.BAD, f"{ipykernel}: {sentence}")
    if major < 7:
        sentence = "while a cell runs, Cancel in the live view needs the sidebar; an interrupt cancels, too"
        return Finding("ipykernel", Health.NOTE, f"{ipykernel}: {sentence}")
    sentence = "Cancel in the live view works while a cell runs"
    if (major, minor) >= (7, 4):
        sentence += " (by a workaround of ours: this version ties widgets to the busy shell)"
    return Finding("ipykernel", Health.GOOD, f"{ipykernel}: {sentence}")
