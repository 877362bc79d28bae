"""All routes below ``/nodetool/api``: what openapi.yaml describes, and a test compares with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nodetool_jupyter.server.about import HealthHandler, NodesHandler
from nodetool_jupyter.server.assets import AssetUrlHandler, SignedAssetHandler, UserAssetHandler
from nodetool_jupyter.server.base import Handler
from nodetool_jupyter.server.files import AssetHandler, AssetsHandler, WorkflowHandler, WorkflowsHandler
from nodetool_jupyter.server.jobs import (
    CancelHandler,
    InputsHandler,
    JobHandler,
    JobsHandler,
    LogsHandler,
    ResumeHandler,
    RetryHandler,
)
from nodetool_jupyter.server.stream import EventsHandler

PLACES = {"job_id": r"[A-Za-z0-9_.:-]{1,128}", "name": r"[^/]{1,200}", "path": r".{1,4096}"}


@dataclass(frozen=True, slots=True)
class Route:
    """A path as OpenAPI writes it, and who answers there."""

    path: str
    handler: type[Handler]

    @property
    def pattern(self) -> str:
        """The path as tornado matches it."""
        return re.sub(r"\{(\w+)\}", lambda place: f"(?P<{place[1]}>{PLACES[place[1]]})", self.path)


ROUTES = (
    Route("/health", HealthHandler),
    Route("/nodes", NodesHandler),
    Route("/events", EventsHandler),
    Route("/jobs", JobsHandler),
    Route("/jobs/{job_id}", JobHandler),
    Route("/jobs/{job_id}/cancel", CancelHandler),
    Route("/jobs/{job_id}/retry", RetryHandler),
    Route("/jobs/{job_id}/resume", ResumeHandler),
    Route("/jobs/{job_id}/inputs", InputsHandler),
    Route("/jobs/{job_id}/logs", LogsHandler),
    Route("/jobs/{job_id}/assets", AssetsHandler),
    Route("/jobs/{job_id}/assets/{name}", AssetHandler),
    Route("/assets/{name}", UserAssetHandler),
    Route("/assets/{name}/url", AssetUrlHandler),
    Route("/signed/{name}", SignedAssetHandler),
    Route("/workflows", WorkflowsHandler),
    Route("/workflows/{path}", WorkflowHandler),
)
