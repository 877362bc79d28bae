"""The size budget: what is read in one go stays small, and the tests are in proportion."""

from __future__ import annotations

import ast
from statistics import quantiles

from tests.architecture.tree import PACKAGE, TESTS, body_lines, code_lines, functions, modules, named, parsed

FUNCTION_LINES = 40
MODULE_LINES = 400
TESTS_PER_CODE = (0.9, 1.6)

OURS = [*modules(PACKAGE), *modules(TESTS)]


def test_function_bodies_are_short() -> None:
    """At most 40 lines from the first statement to the last."""
    sizes = {
        f"{named(path)}:{function.lineno} {function.name}": body_lines(function)
        for path in OURS
        for function in functions(path)
    }
    long = {place: size for place, size in sizes.items() if size > FUNCTION_LINES}
    p90 = quantiles(sizes.values(), n=10)[-1]
    assert not long, f"over {FUNCTION_LINES} lines: {long}; the 90th percentile of all is {p90:.0f}"


def test_modules_are_short() -> None:
    """At most 400 lines, comments and blank ones too."""
    sizes = {named(path): len(path.read_text("utf-8").splitlines()) for path in OURS}
    assert not {place: size for place, size in sizes.items() if size > MODULE_LINES}


def test_every_module_says_its_place() -> None:
    """Every module begins with a docstring: where it stands in the flow and what it keeps to."""
    assert not [named(path) for path in modules(PACKAGE) if not ast.get_docstring(parsed(path))]


def test_tests_are_in_proportion() -> None:
    """Fewer tests leave promises untested; more make a suite that nobody can change."""
    code, tests = (sum(map(code_lines, modules(folder))) for folder in (PACKAGE, TESTS))
    low, high = TESTS_PER_CODE
    assert low <= tests / code <= high, f"{tests} lines of tests to {code} of code: {tests / code:.2f}"
