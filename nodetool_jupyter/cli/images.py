"""``image``: builds, lists and prunes the images that jobs in containers run in."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from nodetool_jupyter.cli.commands import PROGRAM
from nodetool_jupyter.cli.main import COMPLETED
from nodetool_jupyter.cli.writing import for_shell, tell
from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.strategies.docker.client import Engine
from nodetool_jupyter.strategies.docker.facts import Image
from nodetool_jupyter.strategies.docker.image import build_image, default_image, list_images, prune_images
from nodetool_jupyter.views.sheet import Grid


def manage_images(given: Namespace) -> int:
    """``image build|list|prune``."""
    actions = {"build": _build, "list": _list, "prune": _prune}
    if given.word not in actions:
        hint = f"{PROGRAM} image build, list or prune"
        raise OptionError(f"image: there is no action {given.word!r}", hint=hint)
    engine = Engine()
    try:
        actions[given.word](engine, given)
    finally:
        engine.close()
    return COMPLETED


def _build(engine: Engine, given: Namespace) -> None:
    requirements = Path(given.requirements) if given.requirements else None
    name = build_image(engine, base=given.base, requirements=requirements, tag=given.tag, report=_report)
    tell(name)
    if name != default_image():
        sys.stderr.write(f"use it by --image {name}, or NODETOOL_DOCKER_IMAGE={name}\n")


def _report(text: str) -> None:
    sys.stderr.write(text)


def _list(engine: Engine, _given: Namespace) -> None:
    _show(list_images(engine))


def _prune(engine: Engine, given: Namespace) -> None:
    _show(prune_images(engine, dry_run=given.dry_run))


def _show(images: list[Image]) -> None:
    rows = [(", ".join(image.tags), image.created[:19], f"{image.size / 2**20:.0f} MiB") for image in images]
    tell(for_shell(Grid(rows, ("image", "built", "size")).text()))
