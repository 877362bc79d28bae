"""Everything that a hostile job would try first. An attempt gives ``done`` where it succeeded, else another
word, or raises OSError.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from nodetool_jupyter import node

DONE = "done"
REFUSED = "refused"
PTRACE_ATTACH = 16


def call(name: str, *arguments: Any) -> str:
    """A call of the C library."""
    libc = ctypes.CDLL(None, use_errno=True)
    return DONE if getattr(libc, name)(*arguments) != -1 else os.strerror(ctypes.get_errno())


def reach_docker() -> str:
    for path in ("/var/run/docker.sock", "/run/docker.sock", "/job/../var/run/docker.sock"):
        with socket.socket(socket.AF_UNIX) as connection:
            if connection.connect_ex(path) == 0:
                return DONE
    return REFUSED


def open_raw_socket() -> str:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    return DONE


def reach(host: str, port: int) -> str:
    socket.create_connection((host, port), 1).close()
    return DONE


def become_root() -> str:
    os.setuid(0)
    return DONE


def use_setuid_program() -> str:
    ran = subprocess.run(["su", "-c", "id -u"], capture_output=True, stdin=subprocess.DEVNULL)
    return DONE if ran.stdout.strip() == b"0" else REFUSED


def give_to_root() -> str:
    path = Path("/job/root")
    path.write_bytes(b"")
    os.chown(path, 0, 0)
    return DONE


def see_processes() -> str:
    return DONE if len(list(Path("/proc").glob("[0-9]*"))) > 12 else REFUSED


def read_host_files() -> str:
    for name in ("/etc/shadow", "/proc/kcore", "/proc/sys/kernel/core_pattern"):
        with suppress(OSError), Path(name).open("r+b") as file:
            return f"{DONE} {name} {file.read(1)!r}"
    return REFUSED


def trace() -> str:
    """Attach to the supervisor, which is of the same user and says how the job has ended."""
    return call("ptrace", PTRACE_ATTACH, os.getppid(), None, None)


def make_device() -> str:
    os.mknod("/job/disk", 0o600 | 0o060000, os.makedev(8, 0))
    return DONE


ATTEMPTS: dict[str, Callable[[], str]] = {
    "docker": reach_docker,
    "raw socket": open_raw_socket,
    "outside": lambda: reach("192.0.2.1", 80),
    "root": become_root,
    "setuid program": use_setuid_program,
    "file of root's": give_to_root,
    "mount": lambda: call("mount", b"none", b"/job", b"tmpfs", 0, None),
    "namespaces": lambda: call("unshare", 0x10000000),
    "kernel log": lambda: call("klogctl", 3, ctypes.create_string_buffer(64), 64),
    "module": lambda: call("syscall", 313, -1, b"", 0),
    "reboot": lambda: call("reboot", 0x89ABCDEF),
    "host name": lambda: call("sethostname", b"x", 1),
    "processes of others": see_processes,
    "host's files": read_host_files,
    "device": make_device,
    "trace": trace,
}


@node
def attacks(port: int, other_job: str) -> dict[str, str]:
    """What came of each attempt; ``port`` is open on the host, ``other_job`` another job's run directory."""
    attempts = {
        **ATTEMPTS,
        "host's ports": lambda: reach("127.0.0.1", port),
        "another job": lambda: DONE if Path(other_job).exists() else REFUSED,
    }
    found = {}
    for name, attempt in attempts.items():
        try:
            found[name] = attempt()
        except OSError as error:
            found[name] = error.strerror or str(error)
    return found
