"""Settings: read once by the session from the environment and pyproject.toml, handed down frozen.

Each value knows where it came from, and one that can't be read stops us before anything starts: nothing
falls back to a default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
)

from nodetool_jupyter.environment import Bytes, get_environment, parse_names, read_gpu_devices
from nodetool_jupyter.errors import SettingsError, nearest

TABLE = "nodetool-jupyter"


@dataclass(frozen=True, slots=True)
class Variable:
    """The environment variable of a field; ``alias`` is another name that NodeTool gives it.

    ``trusted`` fields widen what is allowed, so a project's pyproject.toml, which may come from anywhere,
    can't set them.
    """

    name: str
    alias: str | None = None
    trusted: bool = False


def _parse_none(value: object) -> object:
    """The word ``none``, by which the environment takes back what pyproject.toml sets."""
    return None if isinstance(value, str) and value.lower() == "none" else value


def _parse_hosts(value: object) -> object:
    """``a.example,b.example:80`` as a tuple of both, in lower case."""
    if not isinstance(value, str):
        return value
    parts = [] if value.lower() == "none" else value.lower().split(",")
    return tuple(part.strip() for part in parts)


def _absolute(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("a path has no NUL")
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:  # ~nobody
        raise ValueError(str(error)) from None


OR_NONE = BeforeValidator(_parse_none)
A_COUNT = "a whole number above 0"
A_SIZE = "a size such as 512m, 2g or a number of bytes"

# A type's description is what it accepts, in words; an error shows it.
Text = Annotated[str, Field(pattern=r"^[^\x00]+$", description="any text")]
Folder = Annotated[Path, AfterValidator(_absolute), Field(description="a folder")]
Switch = Annotated[bool, Field(description="1, true, yes or on; 0, false, no or off")]
Count = Annotated[int, Field(gt=0, description=A_COUNT)]
CountOrNone = Annotated[int, Field(ge=0, le=64, description="a whole number from 0 to 64")]
MaybeCount = Annotated[Annotated[int, Field(gt=0)] | None, OR_NONE, Field(description=f"{A_COUNT}, or none")]
Size = Annotated[Bytes, Field(description=A_SIZE)]
MaybeSize = Annotated[Bytes | None, OR_NONE, Field(description=f"{A_SIZE}, or none")]
MaybeCores = Annotated[
    Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
    OR_NONE,
    Field(description="a number of cores above 0, or none"),
]
Grace = Annotated[float, Field(ge=0, le=1e9, description="seconds, from 0 to 1e9")]
MaybeSeconds = Annotated[
    Annotated[float, Field(gt=0, le=1e9)] | None,
    OR_NONE,
    Field(description="seconds, above 0 and at most 1e9, or none"),
]
StrategyName = Annotated[
    str, Field(pattern=r"^[A-Za-z][\w.-]*$", description="threaded or the name of another strategy")
]
PullPolicy = Annotated[Literal["missing", "always", "never"], Field(description="missing, always or never")]
StoreKind = Annotated[Literal["sqlite", "memory"], Field(description="sqlite or memory")]
ProgressMode = Annotated[
    Literal["auto", "widget", "text", "none"], Field(description="auto, widget, text or none")
]
AuthProvider = Annotated[
    Literal["jupyter", "static", "supabase"], Field(description="jupyter, static or supabase")
]
Hosts = Annotated[
    tuple[Annotated[str, Field(pattern=r"^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?$")], ...],
    BeforeValidator(_parse_hosts),
    Field(description="hosts with commas between, such as localhost:8000,intranet.example, or none"),
]
Devices = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[\w:-]+$")], ...],
    BeforeValidator(parse_names),
    Field(description="GPUs with commas between, such as 0,1, or none"),
]
MaybeUrl = Annotated[
    Annotated[str, Field(pattern=r"^[^\s\x00]+$")] | None,
    OR_NONE,
    Field(description="a URL that fsspec can open, or none"),
]
MaybeImage = Annotated[
    Annotated[str, Field(pattern=r"^\w[\w.:/@-]*$")] | None,
    OR_NONE,
    Field(description="the name of an image, or none"),
]
MaybeUser = Annotated[
    Annotated[str, Field(pattern=r"^[\w.-]+(:[\w.-]+)?$")] | None,
    OR_NONE,
    Field(description="a user or user:group, or none"),
]
MaybeDevices = Annotated[
    Annotated[str, Field(pattern=r"^(all|(device=)?[\w.:-]+(,[\w.:-]+)*)$")] | None,
    OR_NONE,
    Field(description="all, or devices such as device=0,1, or none"),
]


def _cpu_count() -> int:
    return os.cpu_count() or 1


def _default_home() -> Path:
    from platformdirs import user_data_path

    return user_data_path("nodetool-jupyter", appauthor=False)


def _default(usual: Callable[[], Any], *, in_test: Any) -> Any:
    """A default that ENV=test changes; ``env`` is the first field, so the others' defaults see it."""
    return Field(default_factory=lambda fields: in_test if fields.get("env") == "test" else usual())


class Settings(BaseModel):
    """All that can be set, frozen. Sizes are in bytes, times in seconds; None is no limit, or not set."""

    model_config = ConfigDict(frozen=True, defer_build=True, extra="forbid")

    env: Annotated[Text, Variable("ENV", trusted=True)] = "development"
    home: Annotated[Folder, Variable("NODETOOL_HOME")] = Field(default_factory=_default_home)
    store: Annotated[StoreKind, Variable("NODETOOL_STORE")] = _default(lambda: "sqlite", in_test="memory")
    cache_size: Annotated[Size, Variable("NODETOOL_CACHE_SIZE")] = 2**30
    asset_url: Annotated[MaybeUrl, Variable("NODETOOL_ASSET_URL")] = None
    strategy: Annotated[StrategyName, Variable("NODETOOL_STRATEGY")] = "threaded"
    progress: Annotated[ProgressMode, Variable("NODETOOL_PROGRESS")] = "auto"
    thread_pool_size: Annotated[Count, Variable("THREAD_POOL_SIZE")] = Field(default_factory=_cpu_count)
    max_workflow_threads: Annotated[Count, Variable("MAX_WORKFLOW_THREADS")] = _default(
        lambda: max(4, 2 * _cpu_count()), in_test=1
    )
    max_containers: Annotated[Count, Variable("NODETOOL_MAX_CONTAINERS")] = _default(_cpu_count, in_test=1)
    job_timeout: Annotated[MaybeSeconds, Variable("NODETOOL_JOB_TIMEOUT")] = None
    cancel_grace: Annotated[Grace, Variable("NODETOOL_CANCEL_GRACE")] = 5.0
    docker_image: Annotated[MaybeImage, Variable("NODETOOL_DOCKER_IMAGE")] = None
    docker_pull: Annotated[PullPolicy, Variable("NODETOOL_DOCKER_PULL")] = "missing"
    docker_prewarm: Annotated[CountOrNone, Variable("NODETOOL_DOCKER_PREWARM")] = 0
    docker_cpu_limit: Annotated[MaybeCores, Variable("DOCKER_CPU_LIMIT")] = None
    docker_memory_limit: Annotated[MaybeSize, Variable("DOCKER_MEMORY_LIMIT", alias="DOCKER_MEM_LIMIT")] = (
        None
    )
    docker_shm_size: Annotated[MaybeSize, Variable("DOCKER_SHM_SIZE")] = None
    docker_pids_limit: Annotated[MaybeCount, Variable("DOCKER_PIDS_LIMIT")] = None
    docker_user: Annotated[MaybeUser, Variable("DOCKER_USER", trusted=True)] = None
    docker_gpu_devices: Annotated[MaybeDevices, Variable("DOCKER_GPU_DEVICES")] = None
    docker_allow_host_network: Annotated[
        Switch, Variable("NODETOOL_DOCKER_ALLOW_HOST_NETWORK", trusted=True)
    ] = False
    auth_provider: Annotated[AuthProvider, Variable("AUTH_PROVIDER", trusted=True)] = "jupyter"
    enable_terminal_ws: Annotated[Switch, Variable("NODETOOL_ENABLE_TERMINAL_WS", trusted=True)] = False
    http_allowed_hosts: Annotated[Hosts, Variable("NODETOOL_HTTP_ALLOWED_HOSTS", trusted=True)] = ()
    prefer_installed_nodes: Annotated[Switch, Variable("NODETOOL_PREFER_INSTALLED_NODES")] = False
    gpu_devices: Annotated[Devices, Variable("NODETOOL_GPU_DEVICES", trusted=True)] = Field(
        default_factory=read_gpu_devices
    )
    trace: Annotated[Switch, Variable("NODETOOL_TRACE")] = False

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def variables(cls) -> dict[str, Variable]:
        """The environment variable of each field."""
        return {
            name: next(item for item in field.metadata if isinstance(item, Variable))
            for name, field in cls.model_fields.items()
        }

    def origin(self, field: str) -> str:
        """``default``, ``environment NAME``, ``pyproject.toml of FOLDER`` or ``argument`` (given in code)."""
        given = "argument" if field in self.model_fields_set else "default"
        return self._origins.get(field, given)

    def listed(self) -> Iterator[tuple[str, str, str, str]]:
        """Of each setting its name, value, origin and environment variable, as text."""
        for name, variable in self.variables().items():
            value = getattr(self, name)
            yield name, "none" if value is None else str(value), self.origin(name), variable.name


@dataclass(frozen=True, slots=True)
class _Found:
    """A value as the user wrote it, where, and how to show both."""

    text: str
    origin: str
    shown: str


def load_settings(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the environment, then the nearest pyproject.toml at or above ``folder`` (the working directory).

    Raises SettingsError, which names each value that can't be read and what is accepted there.
    """
    found = dict(_read_pyproject(folder))
    found |= _read_environment(get_environment() if environ is None else environ)
    try:
        settings = Settings.model_validate({field: item.text for field, item in found.items()})
    except ValidationError as error:
        raise _unreadable({str(problem["loc"][0]) for problem in error.errors()}, found) from None
    settings._origins.update({field: item.origin for field, item in found.items()})
    return settings


def _unreadable(fields: set[str], found: Mapping[str, _Found]) -> SettingsError:
    # A wrong value also keeps the defaults that look at others from being made: those are no one's mistake.
    lines = [
        f"{found[name].shown} can't be read; accepted: {field.description}"
        for name, field in Settings.model_fields.items()
        if name in fields & found.keys()
    ]
    return SettingsError("\n".join(lines), hint="correct it, or take it away to have the default")


def _read_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, _Found]]:
    """What is set there; an empty variable is not. Of two names of a setting ours comes first."""
    for field, variable in Settings.variables().items():
        for name in filter(None, (variable.name, variable.alias)):
            if text := environ.get(name, "").strip():
                yield field, _Found(text, f"environment {name}", f"{name}={_shorten(text)}")
                break


def _read_pyproject(folder: Path | None) -> Iterator[tuple[str, _Found]]:
    path = _find_pyproject(folder)
    if path is None:
        return
    for key, value in _read_table(path).items():
        field = _field_of(key, path)
        shown = f"{key} = {_shorten(value)} in {path}"
        if not isinstance(value, str | bool | int | float):
            raise _unreadable({field}, {field: _Found("", "", shown)})
        text = str(value)
        if field == "home" and not text.startswith("~"):
            text = str(path.parent / text)  # a folder in a file is meant from where the file is
        yield field, _Found(text, f"pyproject.toml of {path.parent}", shown)


def _find_pyproject(folder: Path | None) -> Path | None:
    try:
        start = (folder or Path()).absolute()
    except FileNotFoundError:  # the working directory was deleted: it has no files
        return None
    candidates = (parent / "pyproject.toml" for parent in (start, *start.parents))
    return next((path for path in candidates if path.is_file()), None)


def _read_table(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} can't be read: {error}", hint="correct the file") from None
    tool = content.get("tool", {})
    table = tool.get(TABLE, {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise SettingsError(f"tool.{TABLE} in {path} is not a table", hint=f"write it as [tool.{TABLE}]")
    return table


def _field_of(key: str, path: Path) -> str:
    """The field that a key of our table means; dashes may stand for underscores."""
    field = key.replace("-", "_")
    variables = Settings.variables()
    if field not in variables:
        close = nearest(field, variables)
        hint = f"did you mean {close}?" if close else f"known are {', '.join(variables)}"
        raise SettingsError(f"[tool.{TABLE}] of {path} has no setting {key!r}", hint=hint)
    if variables[field].trusted:
        name = variables[field].name
        raise SettingsError(
            f"{key} can't be set in {path}: a project's file may not widen what is allowed",
            hint=f"set the environment variable {name}",
        )
    return field


def _shorten(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
