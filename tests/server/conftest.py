"""A real Jupyter Server with the extension, in the loop of the test."""

from __future__ import annotations

from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from pytest_jupyter.jupyter_server import (  # noqa: F401 - fixtures
    echo_kernel_spec,
    http_server,
    http_server_port,
    jp_argv,
    jp_asyncio_loop,
    jp_base_url,
    jp_config_dir,
    jp_configurable_serverapp,
    jp_data_dir,
    jp_env_config_path,
    jp_env_jupyter_path,
    jp_environ,
    jp_home_dir,
    jp_http_port,
    jp_kernel_dir,
    jp_logging_stream,
    jp_nbconvert_templates,
    jp_root_dir,
    jp_runtime_dir,
    jp_server_cleanup,
    jp_serverapp,
    jp_system_config_path,
    jp_system_jupyter_path,
    jp_template_dir,
    jp_web_app,
)

from nodetool_jupyter.session import Session, get_session
from tests.server.client import Client


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    """The extension alone; tests add to it by a fixture of the same name."""
    return {"ServerApp": {"jpserver_extensions": {"nodetool_jupyter": True}}}


@pytest.fixture
def client(jp_serverapp: ServerApp, http_server: Any, jp_http_port: int, jp_asyncio_loop: Any) -> Client:  # noqa: F811
    """Asks the server as its user."""
    return Client(jp_serverapp, jp_http_port, jp_asyncio_loop)


@pytest.fixture
def session(client: Client) -> Session:
    """The server's own session."""
    return get_session(is_server=True)
