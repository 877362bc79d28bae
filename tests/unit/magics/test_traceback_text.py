"""Tracebacks without what is not the user's."""

from __future__ import annotations

from nodetool_jupyter.magics.traceback_text import ENGINE, with_cells, without_engine

OURS = f"""  File "{ENGINE}/actor.py", line 55, in step
    await self._fire(values)
"""
DEEP = f"""  File "{ENGINE}/function.py", line 159, in call
    return self.function(**arguments)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^
"""
THEIRS = """  File "<ipython-input-1>", line 8, in bad
    raise ValueError("boom")
"""
HEAD = "Traceback (most recent call last):\n"


def test_engine_s_frames_are_left_out() -> None:
    """And it is said how many."""
    text = f"{HEAD}{OURS}{DEEP}{THEIRS}ValueError: boom\n"
    assert without_engine(text) == f"{HEAD}{THEIRS}ValueError: boom\n(2 frames of the engine are left out)"


def test_traceback_of_the_engine_alone_is_kept() -> None:
    """It is a fault of ours, and all that there is."""
    text = f"{HEAD}{OURS}{DEEP}KeyError: 1"
    assert without_engine(text) == text


def test_traceback_of_the_user_alone_is_kept() -> None:
    """Nothing is said where nothing was left out."""
    text = f"{HEAD}{THEIRS}ValueError: boom"
    assert without_engine(text) == text


def test_a_cell_is_called_as_the_notebook_calls_it() -> None:
    """Its file is one of the kernel's own, with another name in each kernel."""
    text = f'{HEAD}{THEIRS}  File "/usr/lib/other.py", line 1, in other\nValueError: boom'
    names = {"<ipython-input-1>": ("Cell", "In[1]")}
    assert with_cells(text, names.get) == text.replace('File "<ipython-input-1>"', "Cell In[1]")
