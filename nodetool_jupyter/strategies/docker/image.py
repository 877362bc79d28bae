"""The image that jobs run in: this package's worker, the libraries it needs, and what a requirements file
adds.

Its name says package version, Python version and requirements, so that the same is found again and never
drifts. Libraries are installed here, by the user's own pip with its settings, at the versions that the
kernel has; the build itself needs no network, and no credential gets near an image.
"""

from __future__ import annotations

import hashlib
import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Collection, Iterator
from importlib.metadata import version
from pathlib import Path

from nodetool_jupyter.adapters.packages import canonical
from nodetool_jupyter.errors import DockerError, ErrorCode, OptionError
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.facts import Image
from nodetool_jupyter.strategies.docker.spec import LABEL
from nodetool_jupyter.worker.wire import PROTOCOL, package_version, python_version

REPOSITORY = "nodetool-jupyter"
CONTENT_LABEL = f"{LABEL}.content"
PACKAGE_LABEL = f"{LABEL}.package"
PYTHON_LABEL = f"{LABEL}.python"
PROTOCOL_LABEL = f"{LABEL}.protocol"
LIBRARIES_LABEL = f"{LABEL}.libraries"
LIBRARIES = ("cloudpickle", "jinja2", "platformdirs", "psutil", "pydantic", "pyyaml", "regex")
"""What the worker and the nodes without extras import."""
ROOMS = (
    "__init__.py",
    "authoring/__init__.py",
    "authoring/cell_nodes.py",
    "adapters",
    "engine",
    "environment.py",
    "errors.py",
    "model",
    "nodes",
    "settings.py",
    "values",
    "worker",
)
"""The part of this package that a worker needs."""
PACKAGE = Path(__file__).parents[2]
SITE = "/usr/local/lib/nodetool"
RECIPE = f"""\
FROM {{base}}
COPY site/ {SITE}/
ENV PYTHONPATH={SITE} PYTHONUNBUFFERED=1
RUN ["python3", "-c", "import sys; found = '%d.%d' % sys.version_info[:2]; found == '{{python}}' or \
sys.exit('it has Python ' + found + ', the kernel {{python}}')"]
RUN ["python3", "-c", "import compileall; compileall.compile_dir('{SITE}', quiet=2)"]
RUN ["python3", "-P", "-m", "nodetool_jupyter.worker", "prepare"]
"""


def default_base() -> str:
    """The image that ours is built upon where no other is named."""
    return f"python:{python_version()}-slim"


def default_image(requirements: bytes = b"") -> str:
    """The name of the image for this version of package and Python, and these requirements."""
    extra = f"-{hashlib.sha256(requirements).hexdigest()[:12]}" if requirements.strip() else ""
    return f"{REPOSITORY}:{package_version()}-py{python_version()}{extra}"


def is_ours(name: str) -> bool:
    """Whether an image is built here, so that no registry has it."""
    return name.partition(":")[0] == REPOSITORY


def labels_of(content: str) -> dict[str, str]:
    """What an image of ours says of itself."""
    return {
        CONTENT_LABEL: content,
        PACKAGE_LABEL: package_version(),
        PYTHON_LABEL: python_version(),
        PROTOCOL_LABEL: str(PROTOCOL),
    }


def misfit(image: Image) -> str | None:
    """Why an image can't run this kernel's jobs, as far as it says; None where nothing is against it. What it
    doesn't say, the worker's handshake finds out.
    """
    wanted = labels_of("")
    del wanted[CONTENT_LABEL]
    for label, ours in wanted.items():
        theirs = image.labels.get(label, ours)
        if theirs != ours:
            return f"it has {label.rpartition('.')[2]} {theirs}, the kernel {ours}"
    return None


def build_image(
    engine: Engine,
    *,
    base: str | None = None,
    requirements: Path | None = None,
    tag: str | None = None,
    report: Callable[[str], None] = lambda _line: None,
) -> str:
    """Build the image and give its name; one that has the same content already is only named. Raises
    DockerError, and OptionError for requirements that can't be read.
    """
    base = base or default_base()
    wanted = _read(requirements)
    name = tag or default_image(wanted)
    content = _digest(base, wanted)
    before = engine.image(name)
    for image in engine.images(f"{CONTENT_LABEL}={content}"):
        if name not in image.tags:
            engine.tag(image.id, name)
            _drop(engine, before)
        return name
    _build(engine, name, base=base, wanted=wanted, content=content, report=report)
    _drop(engine, before)
    return name


def _build(
    engine: Engine, name: str, *, base: str, wanted: bytes, content: str, report: Callable[[str], None]
) -> None:
    with tempfile.TemporaryDirectory(prefix="nodetool-") as folder:
        site = Path(folder, "site")
        _install(site, wanted, report)
        recipe = RECIPE.format(base=base, python=python_version())
        with tempfile.TemporaryFile() as file:
            _pack(file, recipe, site)
            file.seek(0)
            labels = {**labels_of(content), LIBRARIES_LABEL: " ".join(_installed_in(site))}
            engine.build(file, name, labels, report)


def _drop(engine: Engine, image: Image | None) -> bool:
    """Remove an image of ours that has no name any more; False where it stays, as containers still use it."""
    if image is None or CONTENT_LABEL not in image.labels:
        return False
    now = engine.image(image.id)
    if now is None or now.tags:
        return False
    try:
        engine.remove_image(image.id)
    except DockerError:
        return False
    return True


def list_images(engine: Engine) -> list[Image]:
    """The images of ours, newest first."""
    return sorted(engine.images(CONTENT_LABEL), key=lambda image: image.created, reverse=True)


def prune_images(engine: Engine, *, dry_run: bool = False) -> list[Image]:
    """Remove images of ours that no kernel of this version can use, or that have no name, unless containers
    use them; gives those that went.
    """
    found = [image for image in list_images(engine) if not image.tags or misfit(image) is not None]
    return found if dry_run else [image for image in found if _removed(engine, image)]


def _removed(engine: Engine, image: Image) -> bool:
    if not image.tags:
        return _drop(engine, image)
    for name in image.tags:
        engine.remove_image(name)
    return True


def _read(requirements: Path | None) -> bytes:
    if requirements is None:
        return b""
    try:
        return requirements.read_bytes()
    except OSError as error:
        raise OptionError(
            f"the requirements {requirements} can't be read: {error.strerror}", hint="give a file's path"
        ) from error


def _pins() -> list[str]:
    """The libraries at the versions of this kernel: what is pickled here is read with the same there."""
    return [f"{name}=={version(name)}" for name in LIBRARIES]


def _digest(base: str, requirements: bytes) -> str:
    digest = hashlib.sha256()
    for part in (base, RECIPE, python_version(), *_pins()):
        digest.update(part.encode() + b"\0")
    digest.update(requirements + b"\0")
    for path in _sources():
        digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]


def _sources() -> Iterator[Path]:
    for room in ROOMS:
        path = PACKAGE / room
        yield from sorted(path.rglob("*.py")) if path.is_dir() else (path,) if path.exists() else ()


def _install(site: Path, requirements: bytes, report: Callable[[str], None]) -> None:
    """Put this package's worker and its libraries into ``site``."""
    for path in _sources():
        target = site / PACKAGE.name / path.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    facts = site / f"nodetool_jupyter-{package_version()}.dist-info" / "METADATA"
    facts.parent.mkdir()
    facts.write_text(
        f"Metadata-Version: 2.1\nName: nodetool-jupyter\nVersion: {package_version()}\n", "utf-8"
    )
    with tempfile.NamedTemporaryFile(prefix="nodetool-", suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        more = ["--requirement", file.name] if requirements.strip() else []
        command = [*_installer(), "--target", str(site), *_platform(), *_pins(), *more]
        report(f"installing {' '.join(_pins())}\n")
        result = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - no shell; our arguments
    if result.returncode:
        raise DockerError(
            f"the image's libraries can't be installed: {result.stderr.strip()[-1000:]}",
            hint="see what pip says; it uses your own settings",
            code=ErrorCode.IMAGE_INVALID,
        )


def _installer() -> list[str]:
    from importlib.util import find_spec

    if find_spec("pip") is not None:
        return [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
        ]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    raise DockerError(
        "neither pip nor uv is here to install the image's libraries",
        hint="python -m ensurepip",
        code=ErrorCode.IMAGE_INVALID,
    )


def _installed_in(site: Path) -> list[str]:
    names = (path.name.partition("-")[0] for path in site.glob("*.dist-info"))
    return sorted(map(canonical, names))


def missing_in(image: Image, packages: Collection[str]) -> list[str]:
    """Those of ``name==version`` that an image says it doesn't have; of one that says nothing, none."""
    libraries = image.labels.get(LIBRARIES_LABEL)
    if libraries is None:
        return []
    return [package for package in packages if package.partition("==")[0] not in libraries.split()]


def how_to_add(packages: Collection[str]) -> str:
    """The commands that build an image with these packages, and use it."""
    lines = "".join(f"{package}\n" for package in sorted(packages))
    written = lines.replace("\n", r"\n")
    return (
        f"printf '{written}' > nodes.txt; nodetool-jupyter image build --requirements nodes.txt; "
        f"then run with --image {default_image(lines.encode())}"
    )


def _platform(system: str = sys.platform) -> list[str]:
    """An image is Linux, whatever this machine is."""
    if system == "linux":
        return []
    machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    return ["--only-binary=:all:", "--platform", f"manylinux2014_{machine}"]


def _pack(file: io.IOBase, recipe: str, site: Path) -> None:
    """The build's context; whose files these are here, and who may read them, is nobody's business there."""
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(recipe.encode())
        archive.addfile(entry, io.BytesIO(recipe.encode()))
        archive.add(site, "site", filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry
