"""Write this interpreter, its libraries and a few programs to stdout as a tar archive: an image's root."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

PROGRAMS = ("sh", "cat", "ls", "sleep", "df", "dd", "mount", "su")
# What wheels need, and what looks up names, though no part of the interpreter says so.
RUNTIMES = (
    *("libgcc_s.so.1", "libstdc++.so.6", "librt.so.1", "libpthread.so.0", "libdl.so.2", "libutil.so.1"),
    *("libresolv.so.2", "libnss_files.so.2", "libnss_dns.so.2"),
)
LEFT_OUT = re.compile(
    r"(^|/)(site-packages|dist-packages|test|tests|idlelib|turtledemo|ensurepip|lib2to3|config-3[^/]*)(/|$)"
)


def main() -> None:
    binary = Path(sys.executable).resolve()
    programs = {name: found for name in PROGRAMS if (found := shutil.which(name))}
    library = Path(os.__file__).resolve().parent
    needed = libraries_of([binary, *programs.values(), *library.glob("lib-dynload/*.so")])
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", dereference=True) as archive:
        for folder in ("dev", "proc", "sys", "tmp", "etc", "root", "bin", "usr/local/bin"):
            add_folder(archive, folder)
        archive.add(library, str(library), filter=wanted)
        for path in (binary, *needed):
            archive.add(path, str(path), recursive=False)
        for name, path in programs.items():
            archive.add(path, f"bin/{name}")
        for name in ("python", "python3"):
            link = tarfile.TarInfo(f"usr/local/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, str(binary)
            archive.addfile(link)
        add_text(archive, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        add_text(archive, "etc/group", "root:x:0:\nnogroup:x:65534:\n")


def wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if LEFT_OUT.search(entry.name) else entry


def libraries_of(paths: list[str | Path]) -> list[str]:
    """All that the loader maps for these, under the names by which it looks for them."""
    found: set[str] = set()
    for path in paths:
        listed = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
        found.update(re.findall(r"(/\S+) \(0x", listed))
    cache = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout
    for name in RUNTIMES:
        found.update(re.findall(rf"{re.escape(name)} \(libc6,\S+\) => (\S+)", cache)[:1])
    return sorted(found)


def add_folder(archive: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
    archive.addfile(entry)


def add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(text), 0o644
    archive.addfile(entry, io.BytesIO(text.encode()))


if __name__ == "__main__":
    main()
