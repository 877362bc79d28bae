"""``doctor`` and ``config``: what works here, and each setting."""

from __future__ import annotations

import platform
from argparse import Namespace

from nodetool_jupyter.cli.commands import PROGRAM
from nodetool_jupyter.cli.main import COMPLETED, FAILED
from nodetool_jupyter.cli.writing import for_shell, tell
from nodetool_jupyter.settings import load_settings
from nodetool_jupyter.views.sheet import Grid


def show_doctor(_given: Namespace) -> int:
    """``doctor``: all findings; the exit code says whether something that is needed is broken."""
    from nodetool_jupyter.views.doctor import CHECKS, Finding, Health, findings_grid, installed, made

    versions = f"{installed(PROGRAM)} on Python {platform.python_version()}"
    ours = Finding("nodetool_jupyter", Health.GOOD, versions)
    findings = [ours, *(finding for check in CHECKS for finding in made(check))]
    tell(for_shell(findings_grid(findings).text()))
    return FAILED if any(finding.health is Health.BAD for finding in findings) else COMPLETED


def show_config(_given: Namespace) -> int:
    """``config``: the settings with their variables."""
    tell(Grid([*load_settings().listed()], ("setting", "value", "from", "variable")).text())
    return COMPLETED
