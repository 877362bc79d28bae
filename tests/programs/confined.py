"""What a job in a sandbox tries first, and what an ordinary one needs. An attempt that succeeds gives
``done``, another raises OSError, or gives another word.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import platform
import resource
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nodetool_jupyter import ProcessingContext, node
from nodetool_jupyter.worker.seccomp import ARCHITECTURES, CLONE, DENIED, NEWEST, UNKNOWN

# ruff: noqa: ASYNC221, ASYNC222, ASYNC240 - these nodes do on purpose what nodes should not
DONE = "done"
REFUSED = "refused"
NEW_USER = 0x10000000


def call(name: str, *arguments: Any) -> str:
    """A call of the C library."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != -1:
        return DONE
    return os.strerror(ctypes.get_errno())


def by_number(number: int, *arguments: Any) -> str:
    return call("syscall", ctypes.c_long(number), *arguments)


def by_name(name: str, *arguments: Any) -> str:
    """A call of the system that the C library has no function for."""
    numbers = {**DENIED, **UNKNOWN}[name]
    number = numbers[list(ARCHITECTURES).index(platform.machine())]
    assert number is not None
    return by_number(number, *arguments)


def clone_with(flags: int) -> str:
    libc = ctypes.CDLL(None, use_errno=True)
    number = CLONE[list(ARCHITECTURES).index(platform.machine())]
    pid = libc.syscall(ctypes.c_long(number), ctypes.c_long(flags | signal.SIGCHLD), None, None, None, None)
    if pid == 0:
        os._exit(0)
    return DONE if pid > 0 else os.strerror(ctypes.get_errno())


def done(_result: object) -> str:
    return DONE


def changed(path: str, change: Callable[[str], object]) -> str:
    change(path)
    return DONE


def signal_to(pid: int) -> str:
    os.kill(pid, 0)
    return DONE


def pass_a_signal(pid: int) -> str:
    signal.pidfd_send_signal(os.pidfd_open(pid), 0)
    return DONE


def read_through_a_link(path: str) -> str:
    link = Path("link")
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    return done(link.read_text())


def connect(kind: int, address: str) -> str:
    with socket.socket(socket.AF_UNIX, kind) as connection:
        connection.connect(address)
    return DONE


def reach(port: int, protocol: int = 0) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol) as connection:
        connection.connect(("127.0.0.1", port))
    return DONE


def open_socket(family: int, kind: int, protocol: int = 0) -> str:
    socket.socket(family, kind, protocol).close()
    return DONE


def start(*command: str) -> str:
    """A child process that does it."""
    ran = subprocess.run([sys.executable, "-I", "-c", *command], capture_output=True, text=True)
    if ran.returncode == 0:
        return DONE
    last = ran.stderr.strip().splitlines()[-1]
    return last.partition("] ")[2].partition(":")[0] or last


def files(secret: str, job: str, store: str) -> dict[str, Callable[[], str]]:
    """``secret`` is a file of the user's, ``job`` another one's run directory."""
    fresh = f"{secret}.new"
    return {
        "read": lambda: done(Path(secret).read_text()),
        "read by a link": lambda: read_through_a_link(secret),
        "read by a child": lambda: start("import sys; open(sys.argv[1]).read()", secret),
        "list": lambda: done(list(Path(secret).parent.iterdir())),
        "write": lambda: changed(secret, lambda path: Path(path).write_text("x")),
        "append": lambda: changed(secret, lambda path: Path(path).open("a")),
        "truncate": lambda: changed(secret, lambda path: os.truncate(path, 0)),
        "make": lambda: changed(fresh, lambda path: Path(path).write_text("x")),
        "make a folder": lambda: changed(fresh, os.mkdir),
        "remove": lambda: changed(secret, os.unlink),
        "rename": lambda: changed(secret, lambda path: Path(path).rename(fresh)),
        "link": lambda: changed(secret, lambda path: os.link(path, "linked")),
        "change the mode": lambda: changed(secret, lambda path: Path(path).chmod(0o777)),
        "change the owner": lambda: changed(secret, lambda path: os.chown(path, os.getuid(), os.getgid())),
        "change the time": lambda: changed(secret, lambda path: os.utime(path, (1, 1))),
        "change an attribute": lambda: changed(secret, lambda path: os.setxattr(path, "user.x", b"x")),
        "mode of a package": lambda: changed(threading.__file__, lambda path: Path(path).chmod(0o644)),
        "mode of a package's descriptor": lambda: changed(
            threading.__file__, lambda path: os.fchmod(os.open(path, os.O_RDONLY), 0o644)
        ),
        "write to a package": lambda: changed(threading.__file__, lambda path: Path(path).open("a")),
        "watch": lambda: call("inotify_add_watch", call_for_fd(), str(Path(secret).parent).encode(), 0xFFF),
        "another job's order": lambda: done(Path(job, "order.json").read_bytes()),
        "another job's messages": lambda: changed(job, lambda path: Path(path, "events.jsonl").open("a")),
        "the store": lambda: done(Path(store).read_bytes()),
        "write to the store": lambda: changed(store, lambda path: Path(path).open("r+b")),
        "its own end": lambda: changed("../exit.json", lambda path: Path(path).write_text("{}")),
        "its own order": lambda: changed("../order.json", lambda path: Path(path).write_text("{}")),
        "its own lock": lambda: changed("../lock", os.unlink),
        "shared memory": lambda: changed("/dev/shm/x", lambda path: Path(path).write_text("x")),
        "a device": lambda: changed("disk", lambda path: os.mknod(path, 0o60600, os.makedev(8, 0))),
        "passwords": lambda: done(Path("/etc/shadow").read_text()),
    }


def call_for_fd() -> int:
    return int(ctypes.CDLL(None).inotify_init())


def processes(pid: int) -> dict[str, Callable[[], str]]:
    """``pid`` is another process of the user's."""
    word = ctypes.create_string_buffer(8)
    vector = struct.pack("QQ", ctypes.addressof(word), 8)
    user = {"user": 2, "other": pid}
    return {
        "signal": lambda: signal_to(pid),
        "signal to the supervisor": lambda: signal_to(os.getppid()),
        "signal by a descriptor": lambda: pass_a_signal(pid),
        "signal by a child": lambda: start("import os, sys; os.kill(int(sys.argv[1]), 0)", str(pid)),
        "trace": lambda: call("ptrace", 16, pid, None, None),
        "read memory": lambda: call("process_vm_readv", pid, vector, 1, vector, 1, 0),
        "environment": lambda: done(Path(f"/proc/{pid}/environ").read_bytes()),
        "command line": lambda: done(Path(f"/proc/{pid}/cmdline").read_bytes()),
        "limits": lambda: done(resource.prlimit(pid, resource.RLIMIT_CPU)),
        "priority": lambda: done(os.setpriority(os.PRIO_PROCESS, pid, 10)),
        "processor": lambda: done(os.sched_setaffinity(pid, {0})),
        "shared memory of System V": lambda: call("shmget", 0, 4096, 0o1600),
        "queue": lambda: call("mq_open", b"/x", os.O_CREAT | os.O_RDWR, 0o600, None),
        "name space": lambda: call("unshare", NEW_USER),
        "name space by clone": lambda: clone_with(NEW_USER),
        "name space by a child": lambda: start(
            "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000) and 'refused')"
        ),
        "another user": lambda: done(os.setuid(user["user"])) if os.getuid() == 0 else REFUSED,
        "another user by a child": lambda: start("import os; os.getuid() and exit('no'); os.setuid(2)"),
    }


def system() -> dict[str, Callable[[], str]]:
    return {
        "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "chroot": lambda: call("chroot", b"/"),
        "keys": lambda: by_name("keyctl", 0, -3, 0, 0, 0),
        "a key": lambda: by_name("add_key", b"user", b"x", b"x", 1, -3),
        "bpf": lambda: by_name("bpf", 0, None, 0),
        "perf": lambda: by_name("perf_event_open", None, 0, -1, -1, 0),
        "userfaultfd": lambda: by_name("userfaultfd", 1),
        "io_uring": lambda: by_name("io_uring_setup", 1, ctypes.create_string_buffer(120)),
        "a new call": lambda: by_number(NEWEST + 1, 0, 0, 0, 0, 0),
        "a call of another kind": lambda: by_number(0x40000000 + 39),
        "clone3": lambda: by_name("clone3", ctypes.create_string_buffer(88), 88),
        "personality": lambda: call("personality", 0x0400000),
        "kernel log": lambda: call("klogctl", 3, ctypes.create_string_buffer(64), 64),
        "host name": lambda: call("sethostname", b"x", 1),
        "clock": lambda: call("settimeofday", struct.pack("qq", 1, 0), None),
    }


def sockets(path: str, abstract: str) -> dict[str, Callable[[], str]]:
    """``path`` and ``abstract`` are addresses at which somebody listens."""
    return {
        "a socket of this machine": lambda: connect(socket.SOCK_STREAM, path),
        "one without a file": lambda: connect(socket.SOCK_STREAM, f"\0{abstract}"),
        "its own control": lambda: connect(socket.SOCK_STREAM, "../control"),
        "raw": lambda: open_socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
        "packets": lambda: open_socket(socket.AF_PACKET, socket.SOCK_DGRAM),
        "netlink": lambda: open_socket(socket.AF_NETLINK, socket.SOCK_DGRAM),
        "kernel crypto": lambda: open_socket(socket.AF_ALG, socket.SOCK_SEQPACKET),
        "virtual machines": lambda: open_socket(40, socket.SOCK_STREAM),
    }


def outcomes(attempts: dict[str, Callable[[], str]]) -> dict[str, str]:
    """What came of each."""
    found = {}
    for name, attempt in attempts.items():
        try:
            found[name] = attempt()
        except OSError as error:
            found[name] = error.strerror or str(error)
    return found


@node
def attacks(secret: str, job: str, store: str, pid: int, addresses: list[str]) -> dict[str, str]:
    """All that no sandbox lets anyone do."""
    parts = [files(secret, job, store), processes(pid), system(), sockets(*addresses)]
    return {name: said for part in parts for name, said in outcomes(part).items()}


@node
def attacks_a_little(secret: str, pid: int, addresses: list[str]) -> dict[str, str]:
    """What harms nothing if it succeeds."""
    attempts = {**files(secret, "", ""), **processes(pid), **sockets(*addresses)}
    names = (
        *("read", "read by a child", "list", "change the mode", "change the time", "watch", "signal"),
        *("signal to the supervisor", "signal by a child", "environment", "limits", "processor"),
        *("a socket of this machine", "one without a file"),
    )
    return outcomes({name: attempts[name] for name in names})


@node
def goes_out(port: int) -> dict[str, str]:
    """Ways to a port of this machine."""
    attempts = {
        "tcp": lambda: reach(port),
        "mptcp": lambda: reach(port, 262),
        "udp": lambda: open_socket(socket.AF_INET, socket.SOCK_DGRAM),
        "tcp by IPv6": lambda: open_socket(socket.AF_INET6, socket.SOCK_STREAM),
        "by a child": lambda: start(
            "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])))", str(port)
        ),
    }
    return outcomes(attempts)


@node
def finds(first: str, second: str) -> list[str]:
    """Where in this process a word is that these make, which are never put together here."""
    found = [name for name, value in os.environ.items() if first in value and second in value]
    if has_pair(Path("/proc/self/environ").read_bytes(), first.encode(), second.encode()):
        found.append("what it was started with")
    with Path("/proc/self/maps").open() as maps, Path("/proc/self/mem").open("rb", 0) as memory:
        for line in maps:
            ends, access, *_ = line.split()
            if access.startswith("rw"):
                begin, end = (int(each, 16) for each in ends.split("-"))
                memory.seek(begin)
                if has_pair(memory.read(end - begin), first.encode(), second.encode()):
                    found.append("its memory")
    return sorted(set(found))


def has_pair(data: bytes, first: bytes, second: bytes) -> bool:
    at = data.find(first)
    while at >= 0:
        if data.startswith(second, at + len(first)):
            return True
        at = data.find(first, at + 1)
    return False


async def talk() -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", "print('hello')", stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    return output.decode().strip()


@node
async def works(context: ProcessingContext) -> dict[str, Any]:
    """What ordinary nodes do."""
    import numpy
    import pandas

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a").write_text("text")
        Path(folder, "a").rename(Path(folder, "b"))
        found["files"] = Path(folder, "b").read_text()
    Path("here").write_text("x")
    found["folders"] = Path.cwd() == context.workspace == Path.home() == context.temp_folder()
    with sqlite3.connect("data.db") as database:
        database.execute("create table t (x)")
        database.execute("insert into t values (1)")
    database.close()
    found["child"] = subprocess.run(["true"]).returncode
    found["async child"] = await talk()
    found["fork"] = os.waitpid(os.fork() or os._exit(0), 0)[1]
    found["numpy"] = float((numpy.ones((3, 3)) @ numpy.ones(3)).sum())
    found["pandas"] = int(pandas.DataFrame({"a": [1, 2]})["a"].sum())
    thread = threading.Thread(target=lambda: found.update(thread=True))
    thread.start()
    thread.join()
    context.log("it works")
    return found


@node
def draws() -> bytes:
    """With a library that wants a folder for its settings and fonts."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    axes.set_title("a title")
    figure.savefig("figure.png")
    return Path("figure.png").read_bytes()


@node
async def resists() -> None:
    """Whatever it is told."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


@node
def opens(path: str) -> str:
    return Path(path).read_text()


@node
def lives(value: int, context: ProcessingContext) -> list[Any]:
    """Suspends its job and goes on, with a value that lies in a file."""
    if context.resumption is None:
        context.suspend("wait", {"value": value, "large": b"x" * 2_000_000})
    state = context.resumption.state
    return [state["value"], len(state["large"]), context.resumption.value]
