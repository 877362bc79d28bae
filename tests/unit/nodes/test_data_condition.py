"""Conditions on rows: pandas' answers for what is allowed, and a refusal for everything else."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodetool_jupyter.nodes.data_condition import MAX_LENGTH, METHODS, ConditionError, matching_rows

TABLE = pd.DataFrame(
    {
        "name": ["Ada", "Bob", None, "Eve's"],
        "age": [36, 17, 50, 17],
        "score": [1.5, None, 3.0, -2.0],
        "full name": ["Ada L", "Bob M", "Cy N", "Eve O"],
        "good": [True, False, True, False],
        "class": ["a", "b", "a", "b"],
    }
)


def kept(condition: str, table: pd.DataFrame = TABLE) -> list[int]:
    return [number for number, keep in enumerate(matching_rows(table, condition)) if keep]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("age > 30", [0, 2]),
        ("age > 30 and score < 2", [0]),
        ("name == 'Ada' or name == 'Bob'", [0, 1]),
        ("name != 'Ada'", [1, 2, 3]),
        ("20 <= age <= 40", [0]),
        ("name in ['Ada', 'Bob']", [0, 1]),
        ("name not in ('Ada', 'Bob')", [2, 3]),
        ("age == [17, 50]", [1, 2, 3]),
        ("age != [17, 50]", [0]),
        ("not (age < 18)", [0, 2]),
        ("~(age < 18)", [0, 2]),
        ("good", [0, 2]),
        ("not good", [1, 3]),
        ("good == True", [0, 2]),
        ("name == 'Ada' | age == 17 & good", [0]),
        ("`full name` == 'Ada L'", [0]),
        ("`class` == 'a' and `age` > 40", [2]),
        ('name == "Eve\'s"', [3]),
        ("name == 'a & b | @c `d`'", []),
        ("age * 2 > score + 70", [0, 2]),
        ("age % 2 == 0", [0, 2]),
        ("age // 10 == 3", [0]),
        ("-age < -20", [0, 2]),
        ("age ** 2 > 1000", [0, 2]),
        ("age / 0 > 1", [0, 1, 2, 3]),
        ("age > 2 ** 5 - 1", [0, 2]),
        ("score == score", [0, 2, 3]),
        ("name + '!' == 'Ada!'", [0]),
        ("name > 'B'", [1, 3]),
        ("index >= 2", [2, 3]),
        ("name.isna()", [2]),
        ("name.isnull()", [2]),
        ("score.notna()", [0, 2, 3]),
        ("score.notnull() and good", [0, 2]),
        ("age.isin([17])", [1, 3]),
        ("age.between(17, 36)", [0, 1, 3]),
        ("score.abs() == 2", [3]),
        ("name.str.contains('b')", [1]),
        ("`full name`.str.startswith('B')", [1]),
        ("name.str.endswith('s')", [3]),
        ("name.str.lower() == 'ada'", [0]),
        ("name.str.upper().str.strip() == 'BOB'", [1]),
        ("name.str.len() > 3", [3]),
        ("age > 30\n  and age < 40", [0]),
        ("age > age.mean()", [0, 2]),
        ("age == age.max() or age == age.min()", [1, 2, 3]),
        ("age < age.sum() / 4 and score < score.median()", [3]),
        ("age - age.max() > -20", [0, 2]),
        ("age > age.std() * 2", [0, 2]),
        ("score.fillna(0) == 0", [1]),
    ],
)
def test_what_is_allowed(condition: str, expected: list[int]) -> None:
    """Every form that the refusals name; a missing value meets no condition but those on missing ones."""
    assert kept(condition) == expected


TEXTS = st.sampled_from(["'Ada'", "'Bob'", "'B'", "''", '"Eve\'s"'])
NUMBERS = st.one_of(st.integers(-60, 60).map(str), st.floats(-3, 3).map(lambda number: f"{number:.2f}"))
COLUMNS = st.sampled_from(["age", "score"])
SIGNS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
TERMS = st.recursive(
    COLUMNS | NUMBERS,
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), COLUMNS),
    max_leaves=3,
)
PLAIN = st.one_of(
    st.builds("{} {} {}".format, COLUMNS, SIGNS, TERMS),
    st.builds("{} {} {} {} {}".format, NUMBERS, SIGNS, COLUMNS, SIGNS, TERMS),
    st.builds("name {} {}".format, st.sampled_from(["==", "!="]), TEXTS),
    st.builds("{} {} [{}, {}]".format, COLUMNS, st.sampled_from(["in", "not in"]), NUMBERS, NUMBERS),
    st.builds("`full name` in [{}]".format, TEXTS),
)
CONDITIONS = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "&", "|"]), inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(CONDITIONS)
def test_the_answer_is_that_of_pandas(condition: str) -> None:
    """Users know its conditions: what both can compute comes out the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = TABLE.query(condition, engine="python").index.tolist()
    assert kept(condition) == expected


@pytest.mark.parametrize(
    "condition",
    [
        "__import__('os').system('true')",
        "@pd.read_csv('x')",
        "age > @limit",
        "name.__class__.__mro__",
        "age.values",
        "age.apply(print)",
        "name.str.cat(name) == ''",
        "name.str.format(age) == ''",
        "age.to_csv('out') == 1",
        "(age > 1).any()",
        "name.str.upper",
        "name.str",
        "age.isin(values=[1])",
        "age.between(*[1, 2])",
        "METHODS",
        "name.max() == name",
        "table",
        "open('x')",
        "abs(age) > 1",
        "lambda: age",
        "[age for age in name]",
        "{age}",
        "age in {17}",
        "{'a': age}",
        "f'{age}' == name",
        "b'a' == name",
        "1j * age > 1",
        "... == age",
        "age[0] > 1",
        "age[:] > 1",
        "age if good else age",
        "age << 2 > 1",
        "age ^ 1 > 1",
        "age @ age > 1",
        "(age := 3) > 1",
        "await age",
        "*age",
        "age is 17",
        "[age] == [1]",
        "[1, 2] == age",
    ],
)
def test_everything_else_is_refused(condition: str) -> None:
    """No name, attribute or call reaches Python."""
    with pytest.raises(ConditionError):
        matching_rows(TABLE, condition)


def test_a_refused_condition_does_nothing(tmp_path: Path) -> None:
    """Not even where it would fail later."""
    target = tmp_path / "out"
    for condition in (f"age.to_csv({str(target)!r}) == 1", f"open({str(target)!r}, 'w') == 1"):
        with pytest.raises(ConditionError, match="is not allowed; allowed are column names"):
            matching_rows(TABLE, condition)
    assert not target.exists()


@pytest.mark.parametrize(
    "condition",
    [
        "9 ** 9 ** 9 > age",
        "age > 10 ** 30",
        "age > 99999999999999999999",
        "1e999 > age",
        "2 ** 62 * 2 ** 62 > age",
        "'x' * 10 ** 9 == name",
        "name * 10 == name",
        "(" * 1000 + "age" + ")" * 1000,
        "-" * 3000 + "age > 1",
        "not " * 900 + "good",
        "age + " * 600 + "age > 1",
        "age > 1 or " * 1000 + "good",
        "age > 1\0",
    ],
)
def test_size_depth_and_numbers_are_bounded(condition: str) -> None:
    """A few characters can't ask for endless work; the message stays short."""
    with pytest.raises(ConditionError) as caught:
        matching_rows(TABLE, condition)
    assert len(str(caught.value)) < 600


def test_a_long_condition_of_many_parts_is_fine() -> None:
    """A list of alternatives has no depth."""
    condition = " or ".join(f"age == {number}" for number in range(200, 0, -1))
    assert len(condition) < MAX_LENGTH
    assert kept(condition) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("", "the condition is empty; expected one such as: age > 30"),
        ("   ", "the condition is empty"),
        ("agee > 3", r"no column 'agee' \(did you mean 'age'\?\); its columns are name, age, score"),
        ("`first name` == 'Ada'", "no column 'first name' .*'full name'"),
        ("age = 3", "can't be read: .*; compare with =="),
        ("age >", "can't be read: invalid syntax"),
        ("name == 'Ada", "can't be read: unterminated string"),
        ("class == 'a'", "can't be read"),
        ("age", "age is not true or false; compare it, e.g. age > 0"),
        ("1 < 2", "1 < 2 names no column"),
        ("age and good", "age is not true or false; compare it, e.g. age > 0"),
        ("True and good", "True names no column"),
        ("age > '3'", "can't be computed: "),
        ("age > name", "can't be computed: "),
        ("name == None", r"nothing equals None; use column\.isna\(\)"),
        ("name in 'Ada'", "must be a list or a column"),
        ("'Ada' in name", "only a column can be in a list"),
        ("name in [age]", r"the list \[age\] may only hold numbers and texts"),
        ("name - 1 > 0", "name is not a number"),
        ("age.isna(1)", r"age.isna\(1\): expected 0 arguments, found 1"),
        ("'a'.str.len() > 1", "'a' is no column, and only columns have methods"),
        ("age.str.len() > 1", "column 'age' holds integer, not texts"),
        ("name.str.contains('a|b')", "'a|b' is a pattern, and str.contains takes a plain text here"),
        ("name.str.startswith(3)", "expected a text in quotes"),
        ("9.0 ** 999 > age", "can't be computed: "),
        ("1 / 0 > age", "can't be computed: division by zero"),
    ],
)
def test_mistakes_are_told(condition: str, message: str) -> None:
    """What was expected, and what the table has."""
    with pytest.raises(ConditionError, match=message):
        matching_rows(TABLE, condition)


def test_an_empty_table_has_no_rows_to_refuse() -> None:
    """Columns without values have no type: every kind of condition holds for none of them."""
    empty = TABLE.iloc[:0].astype(object)
    for condition in (
        "age > 1",
        "age * 2 > 1",
        "good",
        "not good",
        "name.str.len() > 1",
        "name.str.contains('a')",
    ):
        assert kept(condition, empty) == []


def test_a_column_without_values_counts_as_text() -> None:
    """A CSV column that is empty throughout is one of numbers to pandas."""
    table = pd.DataFrame({"note": [float("nan")] * 2})
    assert kept("note.str.contains('a') or note.isna()", table) == [0, 1]


def test_a_column_may_have_any_name() -> None:
    """In backticks also the names that the evaluator itself uses."""
    table = pd.DataFrame({"index": [5, 6], "q0": [1, 2], "a b": [3, 4], "q": [0, 1]})
    assert kept("index == 6", table) == [1]
    assert kept("q0 == 1 and `a b` == 3 and q == 0", table) == [0]


def test_the_refusal_names_every_method() -> None:
    """What may be used is known without reading the code."""
    with pytest.raises(ConditionError) as caught:
        matching_rows(TABLE, "age.prod() > 1")
    assert all(name in str(caught.value) for name in METHODS)
