"""The Docker Engine's client: the only module that knows docker-py. Its errors become ours, with cause and
next command; its answers become plain facts. Every call has a short timeout, and none is repeated here.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Protocol

from nodetool_jupyter.environment import get_environment
from nodetool_jupyter.errors import DockerError, ErrorCode
from nodetool_jupyter.strategies.docker.facts import (
    Container,
    Image,
    Volume,
    read_container,
    read_image,
    read_listed,
    read_volume,
)
from nodetool_jupyter.strategies.docker.refusals import NoSuchImage, NotSeen, cause_of, refused, said_by
from nodetool_jupyter.strategies.docker.spec import EngineFacts

if TYPE_CHECKING:
    from docker.api import APIClient

TIMEOUT = 10.0
"""Seconds that the engine has to answer; it takes milliseconds."""
PULL_TIMEOUT = 3600.0
SCHEMES = ("unix", "npipe", "tcp", "http")
REMOVAL = 5
"""Whole seconds that a removal which somebody else has begun gets to be over."""
LOCAL = "unix:///var/run/docker.sock"
POOL = 64
SHOWN = 8
"""Pieces of what a failed build said that are told."""
RELIEF = "start Docker (sudo systemctl start docker) and be in its group, or use --strategy subprocess"
TUNNEL = "ssh -L LOCAL.sock:/var/run/docker.sock THERE, then DOCKER_HOST=unix://LOCAL.sock"
DEFAULT_CONTEXT = "default"
CONTEXTS = "docker context ls shows what there is; choose by docker context use, or unset DOCKER_CONTEXT"


class Stream(Protocol):
    """What the engine tells by itself; ends when it goes, or when it is closed, in whichever thread."""

    def __iter__(self) -> Iterator[object]: ...

    def close(self) -> None: ...


class Engine:
    """A connection to the engine, made at the first call. Thread-safe."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._api: APIClient | None = None

    def _connected(self) -> APIClient:
        with self._lock:
            if self._api is None:
                self._api = connect(self._timeout)
            return self._api

    @contextmanager
    def _asking(self, what: str, code: ErrorCode | None = None) -> Iterator[APIClient]:
        """One call; ``what`` is the end of "can't …", ``code`` what a refusal means."""
        from docker import errors

        try:
            yield self._connected()
        except errors.ImageNotFound as error:
            raise NoSuchImage(said_by(error), code=ErrorCode.IMAGE_MISSING) from error
        except errors.APIError as error:
            raise refused(what, error, code) from error
        except (errors.DockerException, OSError) as error:
            raise DockerError(f"the Docker Engine doesn't answer: {cause_of(error)}", hint=RELIEF) from error

    def facts(self) -> EngineFacts:
        """What it says of itself; raises DockerError where it doesn't answer."""
        with self._asking("be asked") as api:
            info = api.info()
        security = " ".join(info.get("SecurityOptions") or ())
        known = {"memory": "MemoryLimit", "processes": "PidsLimit", "cpus": "CpuCfsQuota"}
        return EngineFacts(
            version=str(info.get("ServerVersion", "")),
            cpus=int(info.get("NCPU", 1)),
            memory=int(info.get("MemTotal", 0)),
            has_seccomp="name=seccomp" in security and "profile=unconfined" not in security,
            has_gpus="nvidia" in (info.get("Runtimes") or {}),
            maps_users="name=rootless" in security or "name=userns" in security,
            bounds=frozenset(name for name, key in known.items() if info.get(key, True)),
        )

    def changes(self) -> Stream:
        """What happens to images and to the engine itself from now on, one by one."""
        with self._asking("be listened to") as api:
            return api.events(since=int(time.time()) - 1, filters={"type": ["image", "daemon"]})

    # --- containers -------------------------------------------------------------------------------

    def create(self, name: str, config: Mapping[str, Any]) -> str:
        """Make a container and give its id; raises NameTaken, NoSuchImage, DockerError."""
        with self._asking(f"make the container {name}") as api:
            made = api.create_container_from_config(dict(config), name)  # type: ignore[no-untyped-call]
            return str(made["Id"])

    def start(self, name: str) -> None:
        """Start one that has never run: one that has would run again."""
        with self._asking(f"start the container {name}") as api:
            api.start(name)

    def rename(self, container: str, name: str) -> None:
        """Call a container otherwise; raises DockerError."""
        with self._asking(f"rename the container {container}") as api:
            api.rename(container, name)

    def inspect(self, name: str) -> Container | None:
        """What is known of a container; None where there is none."""
        from docker import errors

        with self._asking(f"look at the container {name}") as api:
            try:
                return read_container(api.inspect_container(name))
            except errors.NotFound:
                return None

    def inspect_raw(self, name: str) -> dict[str, Any]:
        """All that the engine says of a container."""
        with self._asking(f"look at the container {name}") as api:
            found: dict[str, Any] = api.inspect_container(name)
            return found

    def attach(self, name: str) -> socket.socket:
        """A container's stdin, stdout and stderr, as the engine joins them."""
        with self._asking(f"speak to the container {name}") as api:
            raw: Any = api.attach_socket(name, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        stream: socket.socket = raw._sock
        copy = stream.dup()  # docker-py's own would be closed with its answer
        raw._response.close()
        stream.close()
        copy.setblocking(True)
        return copy

    def put(self, name: str, folder: str, archive: bytes) -> None:
        """Unpack a tar archive in a container."""
        with self._asking(f"write to the container {name}") as api:
            api.put_archive(name, folder, archive)

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a volume, unless it is there."""
        with self._asking(f"make the volume {name}") as api:
            api.create_volume(name, labels=dict(labels))

    def volumes(self, label: str) -> list[Volume]:
        """All that have the label."""
        with self._asking("list volumes") as api:
            found = api.volumes(filters={"label": [label]})["Volumes"]
        return [read_volume(each) for each in found or ()]

    def remove_volume(self, name: str) -> None:
        """Remove a volume; harmless where it is gone."""
        from docker import errors

        with self._asking(f"remove the volume {name}") as api, suppress(errors.NotFound):
            api.remove_volume(name)

    def kill(self, name: str) -> None:
        """End all that runs in a container; harmless where nothing does."""
        from docker import errors

        with self._asking(f"end the container {name}") as api:
            try:
                api.kill(name)
            except errors.APIError as error:
                if error.status_code not in (404, 409):
                    raise

    def remove(self, name: str) -> None:
        """End and remove a container with its anonymous volumes; harmless where it is gone. One that is going
        is waited for.
        """
        from docker import errors

        with self._asking(f"remove the container {name}") as api:
            try:
                api.remove_container(name, force=True, v=True)
            except errors.APIError as error:
                if error.status_code not in (404, 409):
                    raise
                if error.status_code == 409:
                    _wait_until_removed(api, name)

    def logs(self, name: str, lines: int = 40) -> str:
        """The last lines that a container has printed, which is nothing of its job's."""
        from docker import errors

        with self._asking(f"read the log of {name}") as api:
            try:
                found: bytes = api.logs(name, tail=lines)
            except errors.NotFound:
                return ""
        return found[-16_384:].decode(errors="backslashreplace").strip()

    def containers(self, label: str) -> list[Container]:
        """All that have the label ``name=value`` or ``name``, also those that have ended."""
        with self._asking("list containers") as api:
            found = api.containers(all=True, filters={"label": [label]})
        return [read_listed(each) for each in found]

    # --- images -----------------------------------------------------------------------------------

    def image(self, name: str) -> Image | None:
        """An image; None where the engine doesn't have it."""
        from docker import errors

        with self._asking(f"look at the image {name}") as api:
            try:
                return read_image(api.inspect_image(name))  # type: ignore[no-untyped-call]
            except errors.ImageNotFound:
                return None

    def images(self, label: str) -> list[Image]:
        """All that have the label."""
        with self._asking("list images") as api:
            found = api.images(filters={"label": [label]})
        return [image for each in found if (image := self.image(each["Id"])) is not None]

    def pull(self, name: str) -> None:
        """Get an image from its registry."""
        with self._asking(f"pull the image {name}", ErrorCode.IMAGE_MISSING):
            api = connect(PULL_TIMEOUT)
            try:
                tag = None if "@" in name or ":" in name.rpartition("/")[2] else "latest"
                for line in api.pull(name, tag=tag, stream=True, decode=True):
                    _raise_for(line, f"the image {name} can't be pulled")
            finally:
                api.close()

    def build(
        self, context: IO[bytes], tag: str, labels: Mapping[str, str], report: Callable[[str], None]
    ) -> None:
        """Build an image of a tar archive with a Dockerfile, without network or cache; ``report`` gets what
        is said.
        """
        with self._asking(f"build the image {tag}", ErrorCode.IMAGE_MISSING):
            api = connect(PULL_TIMEOUT)
            try:
                lines = api.build(
                    fileobj=context,
                    custom_context=True,
                    tag=tag,
                    labels=dict(labels),
                    network_mode="none",
                    rm=True,
                    forcerm=True,
                    nocache=True,
                    decode=True,
                )
                said: deque[str] = deque(maxlen=SHOWN)
                for line in lines:
                    if text := plain(str(line.get("stream", ""))):
                        said.append(text)
                        report(text)
                    _raise_for(line, f"the image {tag} can't be built", "".join(said))
            finally:
                api.close()

    def tag(self, image: str, name: str) -> None:
        """Give an image one more name."""
        repository, _, tag = name.rpartition(":")
        with self._asking(f"name the image {name}") as api:
            api.tag(image, repository, tag)

    def remove_image(self, name: str) -> None:
        """Remove an image, or one of its names."""
        with self._asking(f"remove the image {name}") as api:
            api.remove_image(name)

    def close(self) -> None:
        """Let go of the connection; the next call makes a new one."""
        with self._lock:
            api, self._api = self._api, None
        if api is not None:
            api.close()


def connect(timeout: float) -> APIClient:
    """A client of the engine that is named, else of this machine's; raises NotSeen for one that is reached by
    a network, as it could be anywhere, and DockerError for a context that can't be used.
    """
    from docker.api import APIClient
    from docker.constants import MINIMUM_DOCKER_API_VERSION

    named_by, address = find_address(get_environment())
    known: dict[str, Any] = {"timeout": timeout, **address}
    url = str(known.get("base_url", LOCAL))
    scheme, _, path = url.partition("://")
    if scheme not in SCHEMES or known.get("tls"):
        raise NotSeen(
            f"{named_by} names an engine with keys of its own ({url}), not supported yet", hint=TUNNEL
        )
    if scheme == "unix":  # docker-py would leave the socket open of a connection that fails
        with socket.socket(socket.AF_UNIX) as attempt:
            attempt.settimeout(timeout)
            attempt.connect(path)
    # With "auto" it would do so, too, where the engine takes the call and doesn't answer.
    asking = APIClient(version=MINIMUM_DOCKER_API_VERSION, **known)
    try:
        version = str(asking.version(api_version=False)["ApiVersion"])
    finally:
        asking.close()
    return APIClient(version=version, max_pool_size=POOL, **known)


def find_address(environment: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """What names the engine, and what docker-py has to know to reach it. As with docker's own command that is
    DOCKER_HOST, else the context of DOCKER_CONTEXT, else the one of ``docker context use``.
    """
    from docker.context import ContextAPI
    from docker.context.config import get_current_context_name
    from docker.utils import kwargs_from_env

    if environment.get("DOCKER_HOST"):
        return "DOCKER_HOST", {**kwargs_from_env(dict(environment))}
    name = environment.get("DOCKER_CONTEXT") or get_current_context_name() or DEFAULT_CONTEXT
    named_by = f"docker's context {name}"
    if name == DEFAULT_CONTEXT:
        return named_by, {}
    try:
        context: Any = ContextAPI.get_context(name)  # None for one that isn't there
    except Exception as error:  # docker-py has no narrower one for files that can't be read
        raise DockerError(f"{named_by} can't be read: {error}", hint=CONTEXTS) from error
    if context is None or not context.Host:
        raise DockerError(f"{named_by} is not there", hint=CONTEXTS)
    return named_by, {"base_url": context.Host, "tls": context.TLSConfig}


def _wait_until_removed(api: APIClient, name: str) -> None:
    from docker import errors
    from requests import RequestException

    with suppress(errors.NotFound, RequestException):  # it has gone already, or takes longer than this
        api.wait(name, timeout=REMOVAL, condition="removed")


def _raise_for(line: Mapping[str, Any], what: str, before: str = "") -> None:
    if "error" in line:
        said = f"{before}{plain(str(line['error']))}".strip()
        raise DockerError(f"{what}: {said[-1000:]}", code=ErrorCode.IMAGE_MISSING)


def plain(text: str) -> str:
    """What was said, without colors."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
