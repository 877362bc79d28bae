"""A filter of system calls, by seccomp: what Landlock doesn't keep, and no job in a sandbox needs, is
refused.

Unknown are calls of another architecture and those that are younger than this table: both are refused.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from struct import Struct

from nodetool_jupyter.worker.process import libc

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
NEWEST = 462
"""The highest number that is known here."""
DENIED = {
    # Other processes, their memory and descriptors.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # Mounts and names of files from outside.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    # Namespaces; clone is looked at below.
    "unshare": (272, 97),
    "setns": (308, 268),
    # Keys, tracing, and ways around a filter.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # The machine.
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "syslog": (103, 116),
    "acct": (163, 89),
    "vhangup": (153, 58),
    "nfsservctl": (180, 42),
    "lookup_dcookie": (212, 18),
    "personality": (135, 92),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "_sysctl": (156, None),
    "create_module": (174, None),
    "get_kernel_syms": (177, None),
    "query_module": (178, None),
    # Mode, owner, times and attributes of files: Landlock lets anyone change those of any file of the user's.
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "inotify_add_watch": (254, 27),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    # Memory, queues and semaphores that all processes of a user share.
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
}
"""System calls that are refused, with their numbers on x86_64 and aarch64."""
UNKNOWN = {"clone3": (435, 435)}
"""Calls whose arguments can't be looked at: who asks is told to use the older one."""
OF_ITSELF = {
    "prlimit64": (302, 261, 0),
    "sched_setparam": (142, 118, 0),
    "sched_setscheduler": (144, 119, 0),
    "sched_setaffinity": (203, 122, 0),
    "sched_setattr": (314, 274, 0),
    "setpriority": (141, 140, 1),
    "ioprio_set": (251, 30, 1),
}
"""Calls that may only be about who calls them, which is a 0 in that argument."""
CLONE, SOCKET, SOCKETPAIR, IOCTL = (56, 220), (41, 198), (53, 199), (16, 29)
NEW_NAMESPACES = 0x7E020000
UNIX, INTERNET = (1,), (2, 10)
STREAM_AND_DATAGRAM = (1, 2)
TYPE_MASK = 0xF
USUAL_PROTOCOLS = (0, 6, 17)
ODD_REQUESTS = (0x5412, 0x541C, 0x40086602, 0x401C5820, 0x40806685)
"""To type into a terminal, and to change attributes of files or seal them."""

INSTRUCTION = Struct("=HBBI")
LOAD, AND, RETURN = 0x20, 0x54, 0x06
IF_EQUAL, IF_GREATER, IF_ANY_BIT = 0x15, 0x25, 0x45
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
ALLOWED = INSTRUCTION.pack(RETURN, 0, 0, 0x7FFF0000)
REFUSED = INSTRUCTION.pack(RETURN, 0, 0, 0x00050000 | errno.EPERM)
MISSING = INSTRUCTION.pack(RETURN, 0, 0, 0x00050000 | errno.ENOSYS)
SET_SECCOMP, BY_FILTER = 22, 2
ACTION_AVAILABLE = 2
CALL_SECCOMP = (317, 277)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def is_there() -> bool:
    """Whether this system filters, and this machine's calls are known here."""
    if sys.platform != "linux" or platform.machine() not in ARCHITECTURES:
        return False
    refuse = ctypes.c_uint32(0x00050000)
    number = CALL_SECCOMP[_column(platform.machine())]
    asked = (ctypes.c_long(number), ctypes.c_long(ACTION_AVAILABLE), ctypes.c_long(0), ctypes.byref(refuse))
    return bool(libc().syscall(*asked) == 0)


def install(*, has_network: bool) -> None:
    """Filter what this thread, and all that it starts, calls from now on; raises OSError. The process must
    have given up new privileges.
    """
    code = program(platform.machine(), has_network=has_network)
    given = _Program(len(code) // INSTRUCTION.size, code)
    if libc().prctl(SET_SECCOMP, BY_FILTER, ctypes.byref(given), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


@cache
def program(machine: str, *, has_network: bool) -> bytes:
    """The filter for one kind of machine."""
    at = _column(machine)
    code = _load(ARCHITECTURE) + _unless(ARCHITECTURES[machine], MISSING) + _load(NUMBER)
    code += _jump(IF_GREATER, NEWEST, MISSING)
    code += b"".join(_case(numbers[at], REFUSED) for numbers in DENIED.values())
    code += b"".join(_case(numbers[at], MISSING) for numbers in UNKNOWN.values())
    for *numbers, argument in OF_ITSELF.values():
        code += _case(numbers[at], _only(argument, (0,)) + ALLOWED)
    code += _case(CLONE[at], _argument(0) + _jump(IF_ANY_BIT, NEW_NAMESPACES, REFUSED) + ALLOWED)
    code += _case(IOCTL[at], _none_of(1, ODD_REQUESTS) + ALLOWED)
    code += _case(SOCKETPAIR[at], _only(0, UNIX) + ALLOWED)
    return code + _case(SOCKET[at], _sockets() if has_network else REFUSED) + ALLOWED


def _sockets() -> bytes:
    """TCP and UDP. No socket of this machine's: by one of those a job would reach Docker, or another job."""
    kind = _argument(1) + INSTRUCTION.pack(AND, 0, 0, TYPE_MASK) + _among(STREAM_AND_DATAGRAM)
    return _only(0, INTERNET) + kind + _only(2, USUAL_PROTOCOLS) + ALLOWED


def _column(machine: str) -> int:
    return list(ARCHITECTURES).index(machine)


def _load(offset: int) -> bytes:
    return INSTRUCTION.pack(LOAD, 0, 0, offset)


def _argument(index: int) -> bytes:
    """The lower half of an argument: both machines have it first, and those calls look at no more."""
    return _load(ARGUMENTS + 8 * index)


def _jump(condition: int, value: int, then: bytes) -> bytes:
    """What is done where the condition holds; it ends with an answer."""
    return INSTRUCTION.pack(condition, 0, len(then) // INSTRUCTION.size, value) + then


def _unless(value: int, then: bytes) -> bytes:
    return INSTRUCTION.pack(IF_EQUAL, len(then) // INSTRUCTION.size, 0, value) + then


def _case(number: int | None, then: bytes) -> bytes:
    return b"" if number is None else _jump(IF_EQUAL, number, then)


def _among(values: Iterable[int]) -> bytes:
    """Refuse all but these."""
    listed = list(values)
    tests = [INSTRUCTION.pack(IF_EQUAL, len(listed) - index, 0, value) for index, value in enumerate(listed)]
    return b"".join(tests) + REFUSED


def _only(argument: int, values: Iterable[int]) -> bytes:
    return _argument(argument) + _among(values)


def _none_of(argument: int, values: Iterable[int]) -> bytes:
    return _argument(argument) + b"".join(_jump(IF_EQUAL, value, REFUSED) for value in values)
