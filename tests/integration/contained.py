"""Nodes that look around in their container, use it up, and break out of it as far as they get."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from nodetool_jupyter import node
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.session import Session
from tests.unit.engine.support import Out, graph, spec_of

CGROUPS = Path("/sys/fs/cgroup")
STATUS = ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")


@node
def looks() -> dict[str, Any]:
    """What a job can tell of its own surroundings."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    shm, tmp = os.statvfs("/dev/shm"), os.statvfs("/tmp")
    return {
        "ids": [os.getuid(), os.getgid(), os.geteuid(), os.getegid(), *os.getgroups()],
        "status": {name: status[name] for name in STATUS},
        "interfaces": [name for _, name in socket.if_nameindex()],
        "shm": shm.f_blocks * shm.f_frsize,
        "tmp": tmp.f_blocks * tmp.f_frsize,
        "memory": read_bound("memory/memory.limit_in_bytes", "memory.max"),
        "swap": read_bound("memory/memory.memsw.limit_in_bytes", "memory.swap.max"),
        "pids": read_bound("pids/pids.max", "pids.max"),
        "cpu": read_bound("cpu/cpu.cfs_quota_us", "cpu.max"),
        "files": sorted(each.name for each in Path("/job").iterdir()),
        "environment": dict(os.environ),
        "init": Path("/proc/1/cmdline").read_text("utf-8").split("\0")[0],
    }


def read_bound(old: str, new: str) -> str:
    for path in (CGROUPS / old, CGROUPS / new):
        if path.exists():
            return path.read_text("ascii").split()[0]
    return ""


@node
async def hangs() -> None:
    await asyncio.Event().wait()


@node
async def counts(lines: int) -> int:
    for line in range(lines):
        print(line)
        await asyncio.sleep(0.01)
    return lines


@node
def hoards(megabytes: int) -> int:
    return len(bytearray(megabytes * 2**20))


@node
def forks(count: int) -> int:
    """Start processes until it may not."""
    children = []
    try:
        children.extend(subprocess.Popen(["sleep", "60"]) for _ in range(count))
    finally:
        for child in children:
            child.kill()
            child.wait()
    return len(children)


@node
def fills(path: str, megabytes: int) -> int:
    with Path(path).open("wb", buffering=0) as file:
        for _ in range(megabytes):
            file.write(bytes(2**20))
    return megabytes


@node
def kills_supervisor(number: int) -> None:
    """What owns the worker is of the same user."""
    Path("/job/begun").touch()
    os.kill(os.getppid(), number)
    while True:
        pass


@node
def has_secret(name: str) -> str | None:
    return os.environ.get(name)


KINDS = (looks, hangs, counts, hoards, forks, fills, kills_supervisor, has_secret)


def submit(session: Session, kind: Any, data: dict[str, Any] | None = None, **options: Any) -> Job:
    """A job of one node in a container; ``options`` are limits and the strategy's."""
    limits = {name: options.pop(name) for name in list(options) if name in ResourceLimits.model_fields}
    session.registry.add(spec_of(kind))
    return session.submit(
        graph({"a": (kind, data or {}), "o": Out}, "a > o.value"),
        strategy="docker",
        limits=ResourceLimits(**limits),
        options=options,
    )


@node
def attacks(port: int, other_job: str) -> dict[str, str]:  # noqa: C901 - a list of attempts
    """Everything that a hostile job would try first; gives what came of each attempt."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)

    def call(function: Any, *arguments: Any) -> str:
        if function(*arguments) != -1:
            return "done"
        return os.strerror(ctypes.get_errno())

    def docker_socket() -> str:
        for path in ("/var/run/docker.sock", "/run/docker.sock", "/job/../var/run/docker.sock"):
            with socket.socket(socket.AF_UNIX) as connection:
                if connection.connect_ex(path) == 0:
                    return "done"
        return "refused"

    def raw_socket() -> str:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
        return "done"

    def reach_host() -> str:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return "done"

    def reach_outside() -> str:
        socket.create_connection(("192.0.2.1", 80), 1).close()
        return "done"

    def become_root() -> str:
        os.setuid(0)
        return "done"

    def use_setuid_program() -> str:
        ran = subprocess.run(["su", "-c", "id -u"], capture_output=True, stdin=subprocess.DEVNULL)
        return "done" if ran.stdout.strip() == b"0" else "refused"

    def make_setuid_program() -> str:
        path = Path("/job/root")
        path.write_bytes(b"")
        os.chown(path, 0, 0)
        return "done"

    def see_processes() -> str:
        entries = [int(each.name) for each in Path("/proc").glob("[0-9]*")]
        return "done" if len(entries) > 12 else "refused"

    def read_other_job() -> str:
        return "done" if Path(other_job).exists() else "refused"

    def read_host_files() -> str:
        for name in ("/etc/shadow", "/proc/kcore", "/proc/sys/kernel/core_pattern"):
            with suppress(OSError), Path(name).open("r+b") as file:
                return f"done {name} {file.read(1)!r}"
        return "refused"

    def make_device() -> str:
        os.mknod("/job/disk", 0o600 | 0o060000, os.makedev(8, 0))
        return "done"

    attempts = {
        "docker socket": docker_socket,
        "raw socket": raw_socket,
        "host's ports": reach_host,
        "outside": reach_outside,
        "root": become_root,
        "setuid program": use_setuid_program,
        "setuid program of its own": make_setuid_program,
        "mount": lambda: call(libc.mount, b"none", b"/job", b"tmpfs", 0, None),
        "namespaces": lambda: call(libc.unshare, 0x10000000),
        "kernel log": lambda: call(libc.klogctl, 3, ctypes.create_string_buffer(64), 64),
        "module": lambda: call(libc.syscall, 313, -1, b"", 0),
        "reboot": lambda: call(libc.reboot, 0x89ABCDEF),
        "clock": lambda: call(libc.sethostname, b"x", 1),
        "processes of others": see_processes,
        "another job": read_other_job,
        "host's files": read_host_files,
        "device": make_device,
    }
    found = {}
    for name, attempt in attempts.items():
        try:
            found[name] = attempt()
        except OSError as error:
            found[name] = error.strerror or str(error)
    return found


@node
def misleads(target: str) -> None:
    """Replace what the kernel will read and write by links to a file of the machine's, then die."""
    for name in ("events.jsonl", "exit.json", "lock", "output.log", "values", "control", "tmp", "reserve"):
        path = Path("/job") / name
        path.unlink(missing_ok=True) if not path.is_dir() else path.rename(path.with_suffix(".old"))
        path.symlink_to(target)
    os.kill(os.getppid(), 9)
    while True:
        pass


@node
def bombs() -> None:
    """Forks until it may not, in every child."""
    while True:
        try:
            os.fork()
        except OSError:
            continue
