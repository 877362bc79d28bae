"""The extension as Jupyter Server loads it: settings, routes, and the jobs of kernels that have gone."""

from __future__ import annotations

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join

from nodetool_jupyter.server.backend import Backend
from nodetool_jupyter.server.base import SETTING
from nodetool_jupyter.server.routes import ROUTES

ROOT = "/nodetool/api"


class NodeToolServer(ExtensionApp):
    """``jupyter server extension list`` shows it as ``nodetool_jupyter``."""

    name = "nodetool_jupyter"
    extension_url = ROOT
    open_browser = False

    def initialize_settings(self) -> None:
        """Jupyter Server calls it before ``initialize_handlers``."""
        assert self.serverapp is not None
        self.backend = Backend(self.serverapp)
        self.settings[SETTING] = self.backend

    def initialize_handlers(self) -> None:
        """The base URL is put before each route by Jupyter Server."""
        self.handlers.extend((url_path_join(ROOT, route.pattern), route.handler) for route in ROUTES)
        self.backend.adopt_repeatedly()

    async def stop_extension(self) -> None:
        """Streams end, and the session lets go of its jobs: those that outlive a process go on."""
        await self.backend.stop()
