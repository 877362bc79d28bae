"""The end of a job as Jupyter shows and keeps it: a MIME bundle, the same for runs that go the same way.

Strict comparisons of notebooks (nbval) read every MIME type of a bundle and no metadata: what differs from
run to run is metadata.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.views import html, text
from nodetool_jupyter.views.images import Picture, is_image, picture
from nodetool_jupyter.views.markup import clean
from nodetool_jupyter.views.snapshot import JobView

RUN_TYPE = "application/vnd.nodetool.run+json"
VERSION = 1
NODES = 200
PICTURES = 6


def bundle(view: JobView, *, images: bool = False) -> dict[str, Any]:
    """The end state in three MIME types; with ``images`` the HTML holds the previews' pictures too."""
    return {
        "text/html": str(html.static(view, images=images)),
        "text/plain": text.end_text(view),
        RUN_TYPE: run_json(view),
    }


def metadata(view: JobView, job_id: str) -> dict[str, Any]:
    """What differs from run to run: id, start (epoch seconds, UTC) and duration (seconds)."""
    return {"nodetool": {"job_id": job_id, "started": view.started, "duration": view.duration}}


def pictures(view: JobView) -> list[tuple[str, Picture]]:
    """The pictures that preview nodes show, each with the node's title."""
    found = []
    for node_id, value in islice(view.previews.items(), PICTURES):
        shown = picture(value) if is_image(value) else None
        if shown is not None:
            node = view.nodes.get(node_id)
            found.append((node.title if node else node_id, shown))
    return found


def run_json(view: JobView) -> dict[str, Any]:
    """The end state for programs; at most NODES nodes are named, the counts are of all."""
    fault = view.fault
    shown: dict[str, Any] = {
        "version": VERSION,
        "name": view.name,
        "strategy": view.strategy,
        "status": view.status.value,
        "counts": {state.value: count for state, count in view.tally().items()},
        "nodes": {node.id: view.state(node).value for node in islice(view.nodes.values(), NODES)},
        "outputs": {name: output.count for name, output in view.outputs.items()},
    }
    if fault is not None and view.status is not JobStatus.COMPLETED:
        shown["fault"] = {"code": fault.code.value, "message": clean(fault.message, 1_000)}
        shown["fault"] |= {"node_id": fault.node_id} if fault.node_id else {}
    return shown
