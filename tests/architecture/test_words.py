"""The project speaks of itself alone: no path, host or name of the machine it was made on."""

from __future__ import annotations

import re

from tests.architecture.tree import ROOT, named, project_files

# Brackets keep a pattern from finding itself here.
FORBIDDEN = {
    "a developer's folder": r"(?<![\w.:/-])/(?:home|Users|wor[k]|op[t])/[\w.-]",
    "a shared temporary folder (ask tempfile or tmp_path for one)": r"(?<![\w.:/-])/tmp/[\w.-]",
    "a package index": r"\b(?:pypi|pythonhosted|npmjs|yarnpkg)[.](?:org|com)\b",
    "a distribution's mirror": r"\b(?:deb|security|ftp|archive)[.](?:debian|ubuntu)[.](?:org|com)\b",
    "an index option (the machine's own settings say where packages come from)": (
        r"--(?:extra-)?index-ur[l]|--find-link[s]|--trusted-hos[t]"
    ),
    "the way it was made": r"\bfar[m]-\w+|\bsub-?agen[t]s?\b|\bLL[M]s?\b",
}


def test_no_word_of_elsewhere() -> None:
    """What no one elsewhere could follow, or would tie the project to one machine, is found here."""
    words = FORBIDDEN | {"the folder of this checkout": re.escape(f"{ROOT.parent}/")}
    found = [
        f"{named(path)}:{number}: {what}: {line.strip()[:120]}"
        for path in project_files()
        for number, line in enumerate(path.read_text("utf-8", errors="ignore").splitlines(), 1)
        for what, pattern in words.items()
        if re.search(pattern, line)
    ]
    assert not found, "\n".join(found)
