"""``panel``: a workflow as a form; without a file, the workflow of the last job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nodetool_jupyter.authoring.option_line import from_values
from nodetool_jupyter.magics.arguments import Arguments
from nodetool_jupyter.magics.notebook import Notebook
from nodetool_jupyter.model.graph import Workflow

if TYPE_CHECKING:
    from nodetool_jupyter.widgets.panel import Panel


def show_panel(notebook: Notebook, given: Arguments) -> Panel:
    """``panel``: the Panel, which IPython shows as the line's value."""
    from nodetool_jupyter.widgets.panel import Panel

    notebook.session()
    if given.word:
        return Panel(str(from_values({"file": given.word}).file))
    request = notebook.session().find("last").request
    return Panel(Workflow(id=request.workflow_id, name=request.name, graph=request.graph))
