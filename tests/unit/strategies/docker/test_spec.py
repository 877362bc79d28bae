"""From request and settings to a container: the floor that nothing lowers, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.errors import OptionError, UnsupportedLimit
from nodetool_jupyter.model.request import ResourceLimits, RunJobRequest
from nodetool_jupyter.settings import Settings, load_settings
from nodetool_jupyter.strategies.docker.spec import (
    PROFILES,
    ContainerSpec,
    EngineFacts,
    User,
    check_engine,
    check_limits,
    environment_for,
    limits_of,
    network_of,
    profile_of,
    user_of,
)

FACTS = EngineFacts(version="27", cpus=4, memory=2**34)


def request(limits: dict[str, Any] | None = None, **options: Any) -> RunJobRequest:
    asked = ResourceLimits(**(limits or {}))
    return RunJobRequest(graph={}, resource_limits=asked, options=options)  # type: ignore[arg-type]


def spec(**facts: Any) -> ContainerSpec:
    usual: dict[str, Any] = {
        "job_id": "0a",
        "store": "s",
        "image": "i",
        "user": User(1000, 1000),
        "directory": Path("/runs/0a"),
        "profile": PROFILES["default"],
    }
    return ContainerSpec(**{**usual, **facts})


@pytest.mark.parametrize("profile", PROFILES.values())
@pytest.mark.parametrize("network", ["none", "bridge", "host"])
def test_the_floor(profile: Any, network: str) -> None:
    """Whatever is asked for, this is what a container is like."""
    limits = ResourceLimits(memory="1g", cpus=2, processes=10_000, shm="1g", gpus="all", file_size="1g")  # type: ignore[arg-type]
    config = spec(profile=profile, network=network, limits=limits).to_config()
    host = config["HostConfig"]
    assert (host["Privileged"], host["CapAdd"], host["CapDrop"]) == (False, [], ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["ReadonlyRootfs"], host["Init"], host["AutoRemove"]) == (True, True, False)
    assert (host["IpcMode"], host["PidMode"], host["RestartPolicy"]) == ("private", "", {"Name": "no"})
    assert [mount["Source"] for mount in host["Mounts"]] == ["/runs/0a"]
    assert host["PidsLimit"] == 10_000
    assert host["Memory"] == host["MemorySwap"] == 2**30
    assert host["LogConfig"]["Config"] == {"max-size": "1m", "max-file": "1"}
    assert "Devices" not in host
    assert "0a" not in str(config["Cmd"]) + str(config["Env"])


@pytest.mark.parametrize(
    ("gpus", "wanted"),
    [("all", {"Count": -1}), ("device=0,1", {"DeviceIDs": ["0", "1"]}), ("2", {"DeviceIDs": ["2"]})],
)
def test_gpus(gpus: str, wanted: dict[str, Any]) -> None:
    """As Docker's own command line has them."""
    [found] = spec(limits=ResourceLimits(gpus=gpus)).to_config()["HostConfig"]["DeviceRequests"]
    assert found == {"Driver": "", "Capabilities": [["gpu"]], "Options": {}, **wanted}


@pytest.mark.parametrize(
    ("user", "uid", "gid", "found"),
    [
        (None, 1000, 100, "1000:100"),
        (None, 0, 0, "65534:65534"),
        ("1234", 0, 0, "1234:1234"),
        ("1000:50", 1000, 100, "1000:50"),
    ],
)
def test_users(user: str | None, uid: int, gid: int, found: str) -> None:
    """The kernel's own, nobody for root, or whom the settings name."""
    assert str(user_of(Settings(docker_user=user), uid, gid)) == found


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("0", "never runs as root"),
        ("0:1000", "never runs as root"),
        ("root", "no number"),
        ("7", "can't give"),
    ],
)
def test_users_that_are_refused(user: str, words: str) -> None:
    """Root, names, and whom a run directory can't be given to."""
    with pytest.raises(OptionError, match=words):
        user_of(Settings(docker_user=user), 1000, 1000)


def test_limits_come_from_the_nearest() -> None:
    """The request's, then the settings', then the profile's."""
    settings = Settings(docker_memory_limit="2g", docker_cpu_limit=2)  # type: ignore[arg-type]
    found = limits_of(request({"memory": "1g"}, sandbox="untrusted"), settings)
    assert (found.memory, found.cpus, found.processes) == (2**30, 2, 64)
    assert limits_of(request(), Settings()).named() == {"processes": 512}


def test_networks() -> None:
    """None, unless it is asked for; the machine's own only where an administrator allows it."""
    assert network_of(request(), Settings()) == "none"
    assert network_of(request(network="bridge"), Settings()) == "bridge"
    with pytest.raises(OptionError, match="NODETOOL_DOCKER_ALLOW_HOST_NETWORK=1"):
        network_of(request(network="host"), Settings())
    assert network_of(request(network="host"), Settings(docker_allow_host_network=True)) == "host"
    for options in ({"network": "container:x"}, {"network": "bridge", "sandbox": "untrusted"}):
        with pytest.raises(OptionError):
            network_of(request(**options), Settings())


def test_no_container_without_its_sandbox() -> None:
    """It can't be switched off."""
    with pytest.raises(OptionError, match="no sandbox 'off'"):
        profile_of(request(sandbox="off"))


@pytest.mark.parametrize(
    ("limits", "facts", "words"),
    [
        ({"gpus": "all"}, FACTS, "no runtime for gpus"),
        ({"cpus": 5}, FACTS, "there are no 5 cpus, but 4"),
        ({"memory": "1m"}, FACTS, "at least 6m"),
        ({"memory": "1g"}, EngineFacts("27", 4, 1, bounds=frozenset()), "can't limit memory"),
    ],
)
def test_limits_that_can_t_be_kept(limits: dict[str, Any], facts: EngineFacts, words: str) -> None:
    """They are refused before anything starts."""
    with pytest.raises(UnsupportedLimit, match=words):
        check_limits(ResourceLimits(**limits), facts)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"has_seccomp": False}, "no seccomp"),
        ({"maps_users": True}, "not supported yet"),
        ({"bounds": frozenset({"memory"})}, "number of processes"),
    ],
)
def test_engines_that_isolate_too_little(facts: dict[str, Any], words: str) -> None:
    """No container is made where the floor would not hold."""
    reason = check_engine(EngineFacts("27", 4, 2**34, **facts))
    assert reason is not None
    assert words in reason
    assert check_engine(FACTS) is None


def test_the_environment() -> None:
    """Secrets may be read; what means this machine, or gives power over it, stays."""
    kernel = {
        "API_KEY": "k",
        "PATH": "p",
        "HOME": "h",
        "DOCKER_HOST": "d",
        "JPY_API_TOKEN": "j",
        "LD_PRELOAD": "l",
    }
    assert environment_for(kernel, PROFILES["default"]) == {"API_KEY": "k"}
    assert environment_for(kernel, PROFILES["untrusted"]) is None


def test_a_project_can_t_widen_it(tmp_path: Path) -> None:
    """Its file may not say who a job is, nor that it may have the machine's network."""
    for line in ('docker-user = "0"', "docker-allow-host-network = true"):
        (tmp_path / "pyproject.toml").write_text(f"[tool.nodetool-jupyter]\n{line}\n", "utf-8")
        with pytest.raises(Exception, match="may not widen"):
            load_settings({}, tmp_path)
