"""From a request and the settings to a container, as the engine's API wants it. Pure: it asks and does
nothing.

The floor of a job's isolation is written here, in ``to_config``: nothing that a request, a setting or a
caller says takes any of it back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nodetool_jupyter.errors import OptionError, UnsupportedLimit
from nodetool_jupyter.model.request import ResourceLimits, RunJobRequest
from nodetool_jupyter.model.resources import Provision
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.worker.ferry import RESUMED as FAR_RESUMED

FOLDER = "/job"
"""Where a container has its job's run directory."""
FAR_FOLDER = f"{FOLDER}/run"
"""The same where a volume takes its place, whose root is of root."""
RESUMED = "/resumed"
"""Where it has, to read, the run directory of the job from whose results it goes on."""
SCRATCH = "/tmp"  # noqa: S108 - of a container, which has it for itself
LABEL = "io.nodetool.jupyter"
STORE_LABEL = f"{LABEL}.store"
JOB_LABEL = f"{LABEL}.job"
FOLDER_LABEL = f"{LABEL}.folder"
"""The run directory here of a container that has none of this machine's files."""
PREFIX = "nodetool-"
NETWORKS = ("none", "bridge", "host")
NOBODY = 65534
LEAST_MEMORY = 6 * 2**20
"""Bytes below which the engine makes no container."""
COMMAND = ("python3", "-P", "-m", "nodetool_jupyter.worker")
KEPT_BACK = re.compile(
    r"(PATH|HOME|PWD|OLDPWD|SHELL|SHLVL|USER|LOGNAME|TMPDIR|TEMP|TMP|TERM|LANG|_|HOSTNAME|VIRTUAL_ENV|DISPLAY"
    r"|ENV|AUTH_PROVIDER|MAX_WORKFLOW_THREADS|THREAD_POOL_SIZE"
    r"|(PYTHON|PYTEST|LD_|LC_|XDG_|SSH_|DOCKER_|NODETOOL_|JPY_|JUPYTER|IPYTHON|CONDA|PYENV|COVERAGE).*)"
)
"""Variables of the kernel's that mean its own machine, or give power over it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What ``--sandbox`` names: bounds for what neither request nor settings bound. Sizes in bytes."""

    name: str
    pids: int
    scratch: int
    memory: int | None = None
    cpus: float | None = None
    networks: tuple[str, ...] = NETWORKS
    has_environment: bool = True
    """Whether the job may read the kernel's environment, secrets among it."""


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("default", pids=512, scratch=512 * 2**20),
        Profile(
            "untrusted",
            pids=64,
            scratch=64 * 2**20,
            memory=2**30,
            cpus=1.0,
            networks=("none",),
            has_environment=False,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class User:
    """Who a job is inside of its container, and on the machine. Never root."""

    uid: int
    gid: int

    def __post_init__(self) -> None:
        if self.uid <= 0 or self.gid < 0:
            raise OptionError(
                "a job's container never runs as root", hint="set DOCKER_USER to another uid:gid, or unset it"
            )

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine says of itself."""

    version: str
    cpus: int
    memory: int
    has_seccomp: bool = True
    has_gpus: bool = False
    maps_users: bool = False
    """Whether it is rootless, or maps user ids: then a run directory can't be given to a job's user."""
    bounds: frozenset[str] = frozenset({"memory", "processes", "cpus"})
    """The limits that its kernel lets it keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One job's container. Sizes in bytes; ``shared`` are folders that it sees under their own names."""

    job_id: str
    store: str
    image: str
    user: User
    directory: Path
    profile: Profile
    network: str = "none"
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    shared: tuple[Path, ...] = ()
    resumed: Path | None = None
    is_far: bool = False
    """Whether the engine sees none of this machine's files: a volume takes the place of the run directory."""

    @property
    def name(self) -> str:
        """The container's name: a second one for the same job can't be made."""
        return name_of(self.job_id)

    @property
    def labels(self) -> dict[str, str]:
        """Whose the container is, and its volume where it has one."""
        found = {STORE_LABEL: self.store, JOB_LABEL: self.job_id}
        return {**found, FOLDER_LABEL: str(self.directory)} if self.is_far else found

    @property
    def resumed_at(self) -> str:
        """Where the container has the run directory of the job from whose results it goes on."""
        return f"{FAR_FOLDER}/{FAR_RESUMED}" if self.is_far else RESUMED

    def to_config(self, *, is_ahead: bool = False) -> dict[str, Any]:
        """The body of the engine's ``POST /containers/create``; ``is_ahead`` for one that waits for a job."""
        return {
            "Image": self.image,
            "Entrypoint": [],
            "Cmd": [*COMMAND, *self._part(is_ahead=is_ahead)],
            "User": str(self.user),
            "WorkingDir": SCRATCH,
            "Env": [f"HOME={SCRATCH}", f"TMPDIR={SCRATCH}", "PYTHONDONTWRITEBYTECODE=1"],
            "Labels": self.labels,
            "Hostname": "job",
            "OpenStdin": self.is_far,
            "StdinOnce": False,
            "AttachStdin": self.is_far,
            "AttachStdout": self.is_far,
            "AttachStderr": self.is_far,
            "Tty": False,
            "Healthcheck": {"Test": ["NONE"]},
            "NetworkDisabled": self.network == "none",
            "HostConfig": self._floor() | self._bounds() | self._devices(),
        }

    def _part(self, *, is_ahead: bool) -> tuple[str, str]:
        """What its worker does first, and where its run directory is."""
        if self.is_far:
            return "far", FAR_FOLDER
        return "ahead" if is_ahead else "contained", FOLDER

    def _floor(self) -> dict[str, Any]:
        """What holds for every job."""
        return {
            "Privileged": False,
            "CapAdd": [],
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "ReadonlyRootfs": True,
            "IpcMode": "private",
            "PidMode": "",
            "UTSMode": "",
            "NetworkMode": self.network,
            "Init": True,
            "RestartPolicy": {"Name": "no"},
            "AutoRemove": False,
            "PublishAllPorts": False,
            "LogConfig": self._log(),
            "Mounts": self._mounts(),
            "OomScoreAdj": 500,
        }

    def _log(self) -> dict[str, Any]:
        """What a container prints is kept; but never what a job tells, which goes over the same stream."""
        kept = {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}}
        return {"Type": "none", "Config": {}} if self.is_far else kept

    def _mounts(self) -> list[dict[str, Any]]:
        if self.is_far:
            return [{"Type": "volume", "Source": self.name, "Target": FOLDER, "ReadOnly": False}]
        mounts = [_bind(self.directory, FOLDER), *(_bind(path, str(path)) for path in self.shared)]
        if self.resumed is not None:
            mounts.append({**_bind(self.resumed, RESUMED), "ReadOnly": True})
        return mounts

    def _bounds(self) -> dict[str, Any]:
        limits = self.limits
        ulimits = [{"Name": "core", "Soft": 0, "Hard": 0}]
        for name, limit in (("nofile", limits.open_files), ("fsize", limits.file_size)):
            if limit is not None:
                ulimits.append({"Name": name, "Soft": limit, "Hard": limit})
        found: dict[str, Any] = {
            "PidsLimit": limits.processes or self.profile.pids,
            "Tmpfs": {SCRATCH: f"rw,nosuid,nodev,size={self.profile.scratch},mode=1777"},
            "Ulimits": ulimits,
        }
        if limits.memory is not None:
            found |= {"Memory": limits.memory, "MemorySwap": limits.memory}  # of both together: no swap
        if limits.cpus is not None:
            found["NanoCpus"] = round(limits.cpus * 1e9)
        if limits.shm is not None:
            found["ShmSize"] = limits.shm
        return found

    def _devices(self) -> dict[str, Any]:
        if self.limits.gpus is None:
            return {}
        names = self.limits.gpus.removeprefix("device=")
        which = {"Count": -1} if names == "all" else {"DeviceIDs": names.split(",")}
        return {"DeviceRequests": [{"Driver": "", "Capabilities": [["gpu"]], "Options": {}, **which}]}


def _bind(source: Path, target: str) -> dict[str, Any]:
    """A mount that fails where the folder is missing, rather than being made by root."""
    return {
        "Type": "bind",
        "Source": str(source),
        "Target": target,
        "ReadOnly": False,
        "BindOptions": {"Propagation": "rprivate"},
    }


def store_of(home: Path) -> str:
    """The word by which a store's containers know it, the same in all kernels."""
    return hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]


def name_of(job_id: str) -> str:
    """The name of a job's container."""
    return f"{PREFIX}{job_id}"


def profile_of(request: RunJobRequest) -> Profile:
    """What ``--sandbox`` asks for; raises OptionError."""
    name = request.options.get("sandbox") or "default"
    if name not in PROFILES:
        raise OptionError(
            f"the docker strategy has no sandbox {name!r}: a container is one",
            hint=f"leave --sandbox out, or choose {' or '.join(PROFILES)}",
        )
    return PROFILES[name]


def network_of(request: RunJobRequest, settings: Settings) -> str:
    """The network that is asked for and may be had; raises OptionError."""
    network = str(request.options.get("network") or "none")
    profile = profile_of(request)
    if network not in NETWORKS:
        raise OptionError(
            f"there is no network {network!r} for a job", hint=f"choose {', '.join(NETWORKS[:-1])} or host"
        )
    if network not in profile.networks:
        raise OptionError(
            f"a job in the sandbox {profile.name} has no network", hint="leave --network or --sandbox out"
        )
    if network == "host" and not settings.docker_allow_host_network:
        raise OptionError(
            "--network host would let the job reach all that this machine can",
            hint="choose bridge, or set NODETOOL_DOCKER_ALLOW_HOST_NETWORK=1",
        )
    return network


def limits_of(request: RunJobRequest, settings: Settings) -> ResourceLimits:
    """What the request asks for, then what the settings say, then what the profile bounds."""
    profile, asked = profile_of(request), request.resource_limits
    usual = {
        "memory": settings.docker_memory_limit or profile.memory,
        "cpus": settings.docker_cpu_limit or profile.cpus,
        "processes": settings.docker_pids_limit or profile.pids,
        "shm": settings.docker_shm_size,
        "gpus": settings.docker_gpu_devices,
    }
    return asked.model_copy(
        update={name: value for name, value in usual.items() if name not in asked.named()}
    )


def provision_of(limits: ResourceLimits, facts: EngineFacts) -> Provision:
    """What the nodes of a job have in a container of these limits."""
    gpus: tuple[str, ...] | None = ()
    if limits.gpus is not None:
        gpus = None if limits.gpus == "all" else tuple(limits.gpus.removeprefix("device=").split(","))
    return Provision(limits.cpus or facts.cpus, limits.memory or facts.memory, gpus)


def user_of(settings: Settings, uid: int, gid: int) -> User:
    """Who a job is, for a kernel of ``uid`` and ``gid``; raises OptionError for root, and for a user to whom
    this kernel can't give a run directory.
    """
    text = settings.docker_user
    if text is None:
        return User(uid, gid) if uid else User(NOBODY, NOBODY)
    parts = text.split(":")
    if not all(part.isdigit() for part in parts):
        raise OptionError(
            f"DOCKER_USER={text} is no number", hint="write it as uid or uid:gid, such as 1000:1000"
        )
    user = User(int(parts[0]), int(parts[-1]))
    if uid not in (0, user.uid):
        raise OptionError(
            f"DOCKER_USER={text} is not the user of this kernel ({uid}), who can't give a run directory away",
            hint="unset it, or run the kernel as that user",
        )
    return user


def refusal(limits: ResourceLimits, facts: EngineFacts) -> str | None:
    """Why this engine can't keep these limits; None where it can."""
    for name in ("memory", "processes", "cpus"):
        if getattr(limits, name) is not None and name not in facts.bounds:
            return f"the engine's kernel can't limit {name}"
    if limits.cpus is not None and limits.cpus > facts.cpus:
        return f"there are no {limits.cpus:g} cpus, but {facts.cpus}"
    if limits.memory is not None and limits.memory < LEAST_MEMORY:
        return "a container's memory is at least 6m"
    if limits.gpus is not None and not facts.has_gpus:
        return "this engine has no runtime for gpus; install the NVIDIA Container Toolkit"
    return None


def check_engine(facts: EngineFacts) -> str | None:
    """Why no container of ours would be safe, or would work, on this engine; None where all is well."""
    if not facts.has_seccomp:
        return "this Docker Engine filters no system calls (no seccomp), so containers would not be isolated"
    if facts.maps_users:
        return "this Docker Engine maps user ids (rootless or userns-remap), which is not supported yet"
    if "processes" not in facts.bounds:
        return "this Docker Engine can't limit the number of processes, so a job could take the machine down"
    return None


def check_limits(limits: ResourceLimits, facts: EngineFacts) -> None:
    """Raise UnsupportedLimit for what can't be kept."""
    reason = refusal(limits, facts)
    if reason is not None:
        raise UnsupportedLimit(
            f"the docker strategy can't keep that limit here: {reason}", hint="leave it out, or ask for less"
        )


def environment_for(environment: Mapping[str, str], profile: Profile) -> dict[str, str] | None:
    """What a job in a container gets to know of the kernel's environment, over the control socket."""
    if not profile.has_environment:
        return None
    return {name: value for name, value in environment.items() if not KEPT_BACK.fullmatch(name)}
