"""A kernel knows of which release the Jupyter server beside it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nodetool_jupyter import __version__
from nodetool_jupyter.model.peers import Peer, VersionWarning, differ
from nodetool_jupyter.session import get_session
from tests.unit.magics.shells import NODES, Shell, open_shell

CELL = "%%nodetool --quiet\nshout(text='a')"


@pytest.fixture
def shell() -> Iterator[Shell]:
    with open_shell() as shell:
        shell.run(NODES)
        yield shell


def introduce(version: str, *, is_server: bool = True) -> None:
    """Another process, as its session does it."""
    get_session().store.register_owner().introduce(Peer(version=version, is_server=is_server))


def doctor(shell: Shell) -> str:
    lines = shell.run("%nodetool doctor").plain.splitlines()
    return " ".join(next(line for line in lines if "Jupyter server" in line).split())


def test_another_release_is_told_once(shell: Shell) -> None:
    """By the first cell, with what to do, and by the doctor each time."""
    introduce("9.9.0")
    with pytest.warns(VersionWarning, match=f"{__version__} here and 9.9.0 in the Jupyter server"):
        assert shell.run(CELL).error is None
    assert shell.run(CELL).error is None
    assert "9.9.0 in the Jupyter server" in doctor(shell)


def test_the_same_release_is_told_by_the_doctor(shell: Shell) -> None:
    """A cell has nothing to say of it, nor of another kernel's release."""
    introduce("9.9.0", is_server=False)
    introduce(__version__)
    assert shell.run(CELL).error is None
    assert f"✓ Jupyter server nodetool_jupyter {__version__} in it, as here" in doctor(shell)


def test_no_server(shell: Shell) -> None:
    """Nobody is missed until a sidebar is."""
    assert shell.run(CELL).error is None
    assert "none has opened this store" in doctor(shell)


@pytest.mark.parametrize(("other", "expected"), [("1.2.9", False), ("1.3.0", True), ("2.2.0", True)])
def test_releases(other: str, expected: bool) -> None:
    """What only mends is no other one."""
    assert differ("1.2.0", other) is expected
