"""Drives JupyterLab in a page: commands go by its application object, what is seen is read from the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page, expect

from tests.browser.server import Server

PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
KERNEL = "window.jupyterapp.shell.currentWidget?.sessionContext.session?.kernel"
CLOSE = "() => { for (const each of [...window.jupyterapp?.shell.widgets('main') ?? []]) each.dispose(); }"
CELLS = "window.jupyterapp.shell.currentWidget.content.model.cells"
DARK = "JupyterLab Dark"
METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
START_MILLISECONDS = 60_000
WANTED = "NODETOOL_SCREENSHOTS"
"""The variable that says where somebody wants to have pictures."""
COLORS = 200
"""Of small pictures."""


class Lab:
    """One notebook in one browser page. Cells are counted from 0."""

    def __init__(self, page: Page, server: Server, name: str, pictures: Path) -> None:
        self.page = page
        self.folder = server.root / name
        self.folder.mkdir()
        server.reset_settings()
        self._server = server
        self._name = name
        self._pictures = pictures
        self._notebook = self.folder / "notebook.ipynb"

    def open(self, cells: Sequence[str]) -> None:
        """Write a notebook of these cells and open it; JupyterLab is loaded unless the page has it."""
        notebook = nbformat.v4.new_notebook(metadata=METADATA)
        notebook.cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in cells]
        notebook.cells[0].metadata["jupyter"] = {"source_hidden": True}
        self.write(notebook)
        if self.page.evaluate("window.jupyterapp === undefined"):
            self.load()
            return
        self.command("docmanager:open", path=f"{self._name}/{self._notebook.name}")
        self._wait_for_notebook()

    def write(self, notebook: Any) -> None:
        """Write the notebook's file, as if somebody else did."""
        nbformat.write(notebook, self._notebook)

    def load(self) -> None:
        """Open the notebook as it was saved, in a page that knows nothing of before."""
        self._load(f"lab/workspaces/{self._name}/tree/{self._name}/{self._notebook.name}?reset")

    def load_in_notebook(self) -> None:
        """Likewise in Jupyter Notebook, whose page is of the same parts."""
        self._load(f"notebooks/{self._name}/{self._notebook.name}")

    def _load(self, path: str) -> None:
        self.page.goto(self._server.address(path))
        self._wait_for_notebook()

    def _wait_for_notebook(self) -> None:
        expect(self.page.locator(f"{PANEL} .jp-Cell").first).to_be_visible(timeout=START_MILLISECONDS)
        self._wait_for_kernel()

    def convert(self) -> None:
        """The saved notebook as the server's own page, which nbconvert makes."""
        path = f"nbconvert/html/{self._name}/{self._notebook.name}"
        self.page.goto(self._server.address(path), wait_until="domcontentloaded")

    def command(self, name: str, **arguments: Any) -> None:
        """Begin a command of JupyterLab."""
        self.page.evaluate(
            "([name, given]) => { window.jupyterapp.commands.execute(name, given); }", [name, arguments]
        )

    def start(self, *numbers: int) -> None:
        """Have cells executed, one behind the other."""
        for number in numbers:
            self.page.evaluate(
                "n => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = n; }", number
            )
            self.command("notebook:run-cell")

    def run(self, *numbers: int) -> None:
        """Execute cells and wait for their end."""
        for number in numbers:
            self.start(number)
            self.wait_for_end(number)

    def wait_for_end(self, number: int) -> None:
        """Until a cell has its number, which comes with the kernel's reply."""
        self.page.wait_for_function(f"{CELLS}.get({number}).executionCount > 0")

    def prompt(self, number: int) -> Locator:
        """What stands before a cell: a star while it runs or waits, nothing before and after an abort."""
        return self.cell(number).locator(".jp-InputPrompt")

    def cell(self, number: int) -> Locator:
        return self.page.locator(f"{PANEL} .jp-Cell").nth(number)

    def output(self, number: int) -> Locator:
        """All that a cell shows."""
        return self.cell(number).locator(".jp-Cell-outputArea")

    def card(self, number: int) -> Locator:
        """The view of a job, live or at its end."""
        return self.output(number).locator(".ntj-card")

    def live(self, number: int) -> Locator:
        """The live view of a job."""
        return self.output(number).locator(".ntj-live")

    def interrupt(self) -> None:
        """What the stop button does."""
        self.command("notebook:interrupt-kernel")

    def save(self) -> Any:
        """Save the notebook; gives what is in the file then."""
        self.command("docmanager:save")
        self.page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
        return nbformat.read(self._notebook, as_version=4)

    def restart_kernel(self) -> None:
        """A new kernel for the notebook that is open."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
        self._wait_for_kernel()

    def shut_down(self) -> None:
        """End the notebook's kernel."""
        self._server.end_kernels()

    def leave(self) -> None:
        """Close what is open in JupyterLab, saved or not, and end the kernel."""
        if not self.page.is_closed():
            self.page.evaluate(CLOSE)
        self.shut_down()

    def set_theme(self, name: str) -> None:
        """Change the colors and wait until they are there."""
        self.command("apputils:change-theme", theme=name)
        expect(self.page.locator(f"body[data-jp-theme-name='{name}']")).to_be_attached()
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)

    def accessible(self, selector: str, role: str) -> list[dict[str, Any]]:
        """What the browser's accessibility tree has of a role in the element: names, values, properties."""
        session = self.page.context.new_cdp_session(self.page)
        found = session.send("Runtime.evaluate", {"expression": f"document.querySelector('{selector}')"})
        which = {"objectId": found["result"]["objectId"], "role": role}
        nodes = session.send("Accessibility.queryAXTree", which)["nodes"]
        session.detach()
        return [
            {"name": node["name"]["value"], "value": node.get("value", {}).get("value")}
            | {told["name"]: told["value"].get("value") for told in node["properties"]}
            for node in nodes
        ]

    def picture(self, name: str) -> None:
        """A picture of the page as it is, where somebody wants to look at it."""
        if os.environ.get(WANTED):
            self.keep(name)

    def keep(self, name: str) -> None:
        """A picture in any case."""
        self.page.screenshot(path=self._pictures / f"{name}.png")

    def small_picture(self, name: str, of: Locator | None = None) -> None:
        """A picture of the page or of a part of it, of few colors: so small that a README may have it."""
        from PIL import Image

        seen = Image.open(BytesIO((of or self.page).screenshot()))
        seen.convert("RGB").quantize(COLORS).save(self._pictures / f"{name}.png", optimize=True)

    def _wait_for_kernel(self) -> None:
        self.page.wait_for_function(f"{KERNEL}?.status === 'idle'", timeout=START_MILLISECONDS)
