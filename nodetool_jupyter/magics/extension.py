"""Loading and unloading: registers light magics that import what they need when they are called.

Loading imports nothing of ours but this module and the traits; a cell's first run pays for the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nodetool_jupyter.magics import adoption
from nodetool_jupyter.magics.defaults import NodeToolMagics

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from nodetool_jupyter.magics.notebook import Notebook

NAME = "nodetool"
KINDS = ("line", "cell")
MATCHER = "nodetool_jupyter"


class Opener:
    """Makes the notebook of a shell at the first call."""

    def __init__(self, shell: InteractiveShell, defaults: NodeToolMagics) -> None:
        self._shell = shell
        self._defaults = defaults
        self._notebook: Notebook | None = None

    def __call__(self) -> Notebook:
        if self._notebook is None:
            from nodetool_jupyter.magics.notebook import Notebook

            self._notebook = Notebook(self._shell, self._defaults)
        return self._notebook


class Magic:
    """A NodeTool command; ``?`` behind it shows how it is used."""

    # The table of options reads $names and JSON: it takes a variable's value, not its text as IPython does.
    _ipython_magic_no_var_expand = True

    def __init__(self, notebook: Opener) -> None:
        self.notebook = notebook


class CellMagic(Magic):
    """Run the cell's body as a workflow; %%nodetool? shows the options."""

    # As behind an expression: a semicolon at the end, and the value is not shown.
    _ipython_magic_output_can_be_silenced = True

    def __call__(self, line: str, cell: str) -> Any:
        from nodetool_jupyter.magics.cell import run_cell

        return run_cell(self.notebook(), line, cell)

    def getdoc(self) -> str:
        """What ``%%nodetool?`` shows."""
        from nodetool_jupyter.magics.usage import cell_usage

        return cell_usage()


class LineMagic(Magic):
    """Look at jobs, files and settings; %nodetool? shows the commands."""

    def __call__(self, line: str) -> Any:
        from nodetool_jupyter.magics.line import run_line

        return run_line(self.notebook(), line)

    def getdoc(self) -> str:
        """What ``%nodetool?`` shows."""
        from nodetool_jupyter.magics.usage import line_usage

        return line_usage()


def matcher_of(notebook: Opener) -> Any:
    """Completes what stands behind our magics; it has nothing to say elsewhere."""
    from IPython.core.completer import context_matcher

    # First of all matchers, so that those that take long aren't asked for what they know nothing of.
    @context_matcher(priority=100, identifier=MATCHER)  # type: ignore[untyped-decorator]  # untyped in IPython
    def match(context: CompletionContext) -> SimpleMatcherResult:
        if NAME not in context.full_text:
            return {"completions": ()}
        from nodetool_jupyter.magics.completion import complete

        return complete(notebook(), context)

    return match


def keep_body(lines: list[str]) -> list[str]:
    """Give a cell of only ``%%nodetool --file …`` a body: IPython refuses cell magics without one."""
    is_bare = len(lines) == 1 and lines[0].split(maxsplit=1)[:1] == [f"%%{NAME}"]
    return [lines[0].rstrip("\n") + "\n", "\n"] if is_bare else lines


def load(shell: InteractiveShell) -> None:
    """Register magics, defaults and completion; loading twice is harmless."""
    unload(shell)
    defaults = NodeToolMagics(parent=shell)
    notebook = Opener(shell, defaults)
    configurables: list[Any] = shell.configurables
    configurables.append(defaults)
    shell.magics_manager.register_function(LineMagic(notebook), "line", NAME)
    shell.magics_manager.register_function(CellMagic(notebook), "cell", NAME)
    shell.input_transformers_cleanup.append(keep_body)
    shell.Completer.custom_matchers.append(matcher_of(notebook))
    adoption.adopt_later()


def unload(shell: InteractiveShell) -> None:
    """Take all of it away again."""
    adoption.cancel()
    for kind in KINDS:
        shell.magics_manager.magics[kind].pop(NAME, None)
    if keep_body in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(keep_body)
    shell.configurables[:] = [item for item in shell.configurables if type(item).__name__ != "NodeToolMagics"]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [item for item in matchers if getattr(item, "matcher_identifier", None) != MATCHER]
