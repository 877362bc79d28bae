"""nodetool.data: rows are chosen, ordered, filled, joined and grouped as by pandas, and mistakes are told."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import data
from tests.unit.nodes.test_data import rows, run, table

PEOPLE = "name,age,city\nAda,36,London\nBob,17,Paris\nCy,50,London\nDi,17,\n"
SALES = "team,kind,n,x\nA,u,1,1.5\nB,u,2,\nA,v,3,2\nB,v,4,3\n"


def names(frame: pd.DataFrame) -> list[Any]:
    return frame["name"].tolist()


def plain(frame: pd.DataFrame) -> list[list[Any]]:
    """The rows as lists, None for what is missing."""
    return [
        [None if isinstance(value, float) and math.isnan(value) else value for value in row.values()]
        for row in rows(frame)
    ]


class TestChoosing:
    def test_filter_keeps_rows_and_their_labels(self) -> None:
        """What is kept goes on under the labels of the first table."""
        frame = run(data.Filter, df=table(PEOPLE), condition="age > 30 and city == 'London'")
        assert names(frame) == ["Ada", "Cy"]
        assert frame.index.tolist() == [0, 2]

    def test_filter_without_a_match_is_an_empty_table(self) -> None:
        """It keeps its columns."""
        frame = run(data.Filter, df=table(PEOPLE), condition="age > 100")
        assert rows(frame) == []
        assert list(frame.columns) == ["name", "age", "city"]

    def test_find_row_keeps_the_first(self) -> None:
        """One row, or none."""
        assert names(run(data.FindRow, df=table(PEOPLE), condition="age == 17")) == ["Bob"]
        assert rows(run(data.FindRow, df=table(PEOPLE), condition="name == 'Eve'")) == []

    def test_labels_that_repeat_are_no_matter(self) -> None:
        """A table that was appended to itself is filtered row by row."""
        people = table(PEOPLE)
        twice = run(data.Append, dataframe_a=people, dataframe_b=people)
        frame = run(data.Filter, df=twice, condition="age == 17 and city.isna()")
        assert names(frame) == ["Di", "Di"]

    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            (0, -1, ["Ada", "Bob", "Cy", "Di"]),
            (1, 3, ["Bob", "Cy"]),
            (-2, -1, ["Cy", "Di"]),
            (0, -2, ["Ada", "Bob"]),
            (2, 100, ["Cy", "Di"]),
            (3, 1, []),
        ],
    )
    def test_slice(self, start: int, end: int, expected: list[str]) -> None:
        """-1 means to the end, other negative numbers count from it."""
        frame = run(data.Slice, dataframe=table(PEOPLE), start_index=start, end_index=end)
        assert names(frame) == expected

    def test_drop_duplicates_keeps_the_first(self) -> None:
        """Missing values are equal to one another."""
        frame = table("name,n\nA,1\nA,1\nB,\nB,\nA,2\n")
        assert plain(run(data.DropDuplicates, df=frame)) == [["A", 1], ["B", None], ["A", 2]]

    def test_drop_na_keeps_complete_rows(self) -> None:
        """One missing value is enough."""
        assert names(run(data.DropNA, df=table(PEOPLE))) == ["Ada", "Bob", "Cy"]

    def test_sort_is_ascending_and_stable(self) -> None:
        """Equal rows stay in order, at any length."""
        assert names(run(data.SortByColumn, df=table(PEOPLE), column="age")) == [
            "Bob",
            "Di",
            "Ada",
            "Cy",
        ]
        long = pd.DataFrame({"key": [number % 3 for number in range(100)], "name": range(100)})
        frame = run(data.SortByColumn, df=long, column="key")
        assert names(frame)[:34] == list(range(0, 100, 3))

    def test_sort_puts_missing_values_last(self) -> None:
        """So in texts as in numbers."""
        assert names(run(data.SortByColumn, df=table(PEOPLE), column="city"))[-1] == "Di"

    def test_sort_refuses_what_has_no_order(self) -> None:
        """The column is named."""
        mixed = pd.DataFrame({"a": [1, "x"]})
        with pytest.raises(ValueError, match=r"column 'a' can't be sorted: .*not supported between"):
            run(data.SortByColumn, df=mixed, column="a")


class TestFilling:
    @pytest.mark.parametrize(
        ("properties", "expected"),
        [
            ({"value": 0}, [["a", 1.0], [0, 0.0], ["b", 4.0]]),
            ({"value": 0, "columns": "n"}, [["a", 1.0], [None, 0.0], ["b", 4.0]]),
            ({"value": "-", "columns": "t"}, [["a", 1.0], ["-", None], ["b", 4.0]]),
            ({"value": "-"}, [["a", 1.0], ["-", "-"], ["b", 4.0]]),
            ({"value": {"n": 7}}, [["a", 1.0], [None, 7.0], ["b", 4.0]]),
            ({"method": "forward"}, [["a", 1.0], ["a", 1.0], ["b", 4.0]]),
            ({"method": "backward", "columns": "t"}, [["a", 1.0], ["b", None], ["b", 4.0]]),
            ({"method": "mean"}, [["a", 1.0], [None, 2.5], ["b", 4.0]]),
            ({"method": "median", "columns": " n "}, [["a", 1.0], [None, 2.5], ["b", 4.0]]),
        ],
    )
    def test_every_method(self, properties: dict[str, Any], expected: list[list[Any]]) -> None:
        """By default all columns; a mean only of numbers; texts take a number, and numbers a text."""
        assert plain(run(data.FillNA, dataframe=table("t,n\na,1\n,\nb,4\n"), **properties)) == expected

    def test_a_column_that_is_full_keeps_its_type(self) -> None:
        """A text to fill with doesn't make objects of numbers."""
        frame = run(data.FillNA, dataframe=table("a,b\n1,x\n2,\n"), value="y")
        assert frame["a"].tolist() == [1, 2]
        assert frame["a"].dtype == "int64"
        assert frame["b"].tolist() == ["x", "y"]

    @pytest.mark.parametrize(
        ("properties", "message"),
        [
            (
                {"method": "zero"},
                "method must be one of value, forward, backward, mean, median; found 'zero'",
            ),
            ({"columns": "m"}, "the table has no column 'm'"),
            ({"value": {"m": 1}}, "the table has no column 'm'"),
            ({"method": "mean", "columns": "t,n"}, "method 'mean' needs numbers, but t holds none"),
            ({"value": None}, "expected a value to fill with, found none"),
            ({"value": [1]}, "expected a value to fill with, found a list"),
        ],
    )
    def test_what_can_not_be_filled_is_told(self, properties: dict[str, Any], message: str) -> None:
        """A column that is named is filled, or it is an error."""
        with pytest.raises(ValueError, match=message):
            run(data.FillNA, dataframe=table("t,n\na,1\nb,\n"), **properties)

    def test_columns_of_one_name_are_refused(self) -> None:
        """Which one is to be filled can't be known."""
        frame = pd.concat([table("a\n1\n"), table("a\n2\n")], axis=1)
        with pytest.raises(ValueError, match="columns of one name can't be filled; its columns are a, a"):
            run(data.FillNA, dataframe=frame)


class TestTwoTables:
    def test_append_puts_rows_below(self) -> None:
        """An empty table adds none, whatever its columns."""
        first, second = table("a,b\n1,x\n"), table("a,b\n2,y\n")
        frame = run(data.Append, dataframe_a=first, dataframe_b=second)
        assert plain(frame) == [[1, "x"], [2, "y"]]
        empty = pd.DataFrame()
        assert run(data.Append, dataframe_a=empty, dataframe_b=second) is second
        assert run(data.Append, dataframe_a=first, dataframe_b=empty) is first

    def test_append_needs_the_same_columns(self) -> None:
        """Both lists of columns are told."""
        with pytest.raises(
            ValueError, match="of dataframe_a its columns are a, of dataframe_b its columns are b"
        ):
            run(data.Append, dataframe_a=table("a\n1\n"), dataframe_b=table("b\n1\n"))

    def test_merge_puts_columns_side_by_side(self) -> None:
        """Rows of the same label; what has no partner is missing."""
        first, second = table("a\n1\n2\n"), table("b\nx\n")
        assert plain(run(data.Merge, dataframe_a=first, dataframe_b=second)) == [[1, "x"], [2, None]]

    def test_merge_refuses_labels_that_repeat(self) -> None:
        """Which rows belong together can't be known, unless both have the same labels."""
        once, other = table("a\n1\n"), table("b\n2\n")
        twice = run(data.Append, dataframe_a=once, dataframe_b=once)
        with pytest.raises(ValueError, match="row labels of dataframe_a repeat; number its rows anew"):
            run(data.Merge, dataframe_a=twice, dataframe_b=other)
        both = run(data.Merge, dataframe_a=twice, dataframe_b=twice.rename(columns={"a": "b"}))
        assert plain(both) == [[1, 1], [1, 1]]

    def test_join_pairs_rows_of_one_value(self) -> None:
        """Tables with other columns are what a join is for; a shared column gets the suffixes of pandas."""
        people, cities = table(PEOPLE), table("city,land,age\nLondon,GB,2000\nRome,IT,2800\n")
        frame = run(data.Join, dataframe_a=people, dataframe_b=cities, join_on="city")
        assert list(frame.columns) == ["name", "age_x", "city", "land", "age_y"]
        assert plain(frame) == [["Ada", 36, "London", "GB", 2000], ["Cy", 50, "London", "GB", 2000]]

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            ("name", "dataframe_b: the table has no column 'name'; its columns are age, land"),
            ("land", "dataframe_a: the table has no column 'land'"),
            ("age", "the tables can't be joined on 'age': .*merge on int64 and"),
        ],
    )
    def test_join_tells_what_is_missing(self, column: str, message: str) -> None:
        """And in which of the two."""
        with pytest.raises(ValueError, match=message):
            run(data.Join, dataframe_a=table(PEOPLE), dataframe_b=table("age,land\nold,GB\n"), join_on=column)


class TestGrouping:
    @pytest.mark.parametrize(
        ("aggregation", "expected"),
        [
            ("sum", [["A", 4, 3.5], ["B", 6, 3.0]]),
            ("mean", [["A", 2.0, 1.75], ["B", 3.0, 3.0]]),
            ("count", [["A", 2, 2], ["B", 2, 1]]),
            ("min", [["A", 1, 1.5], ["B", 2, 3.0]]),
            ("max", [["A", 3, 2.0], ["B", 4, 3.0]]),
            ("std", [["A", 2**0.5, 0.125**0.5], ["B", 2**0.5, None]]),
            ("var", [["A", 2.0, 0.125], ["B", 2.0, None]]),
            ("median", [["A", 2.0, 1.75], ["B", 3.0, 3.0]]),
            ("first", [["A", 1, 1.5], ["B", 2, 3.0]]),
            ("last", [["A", 3, 2.0], ["B", 4, 3.0]]),
        ],
    )
    def test_every_aggregation(self, aggregation: str, expected: list[list[Any]]) -> None:
        """Groups are sorted and come first; missing values count for nothing."""
        frame = table(SALES)[["team", "n", "x"]]
        found = run(data.Aggregate, dataframe=frame, columns="team", aggregation=aggregation)
        assert list(found.columns) == ["team", "n", "x"]
        assert plain(found) == [[team, pytest.approx(n), x and pytest.approx(x)] for team, n, x in expected]

    def test_texts_are_joined_by_a_sum(self) -> None:
        """As pandas adds texts."""
        found = run(data.Aggregate, dataframe=table(SALES), columns="team")
        assert plain(found) == [["A", "uv", 4, 3.5], ["B", "uv", 6, 3.0]]

    def test_groups_of_two_columns(self) -> None:
        """In the order in which they are named."""
        found = run(data.Aggregate, dataframe=table(SALES), columns="kind, team")
        assert [row[:3] for row in plain(found)] == [
            ["u", "A", 1],
            ["u", "B", 2],
            ["v", "A", 3],
            ["v", "B", 4],
        ]

    def test_nothing_to_aggregate(self) -> None:
        """The groups alone, or no rows at all."""
        frame = table(SALES)
        assert plain(run(data.Aggregate, dataframe=frame[["team"]], columns="team")) == [["A"], ["B"]]
        assert plain(run(data.Aggregate, dataframe=frame[:0], columns="team")) == []

    @pytest.mark.parametrize(
        ("properties", "message"),
        [
            ({"columns": "group"}, "the table has no column 'group'; its columns are team, kind, n, x"),
            ({"columns": ""}, "name at least one column"),
            (
                {"columns": "team", "aggregation": "mode"},
                "aggregation must be one of sum, mean, .*found 'mode'",
            ),
            ({"columns": "team", "aggregation": "mean"}, "mean needs numbers, but kind holds none"),
        ],
    )
    def test_what_can_not_be_grouped_is_told(self, properties: dict[str, str], message: str) -> None:
        """No column is left out in silence."""
        with pytest.raises(ValueError, match=message):
            run(data.Aggregate, dataframe=table(SALES), **properties)

    @pytest.mark.parametrize(
        ("aggregation", "expected"),
        [
            ("sum", [["u", 3], ["v", 7]]),
            ("mean", [["u", 1.5], ["v", 3.5]]),
            ("count", [["u", 2], ["v", 2]]),
            ("min", [["u", 1], ["v", 3]]),
            ("max", [["u", 2], ["v", 4]]),
            ("first", [["u", 1], ["v", 3]]),
            ("last", [["u", 2], ["v", 4]]),
        ],
    )
    def test_pivot_aggregates(self, aggregation: str, expected: list[list[Any]]) -> None:
        """Values that fall together become one."""
        frame = table(SALES).assign(year=2024)
        found = run(
            data.Pivot, dataframe=frame, index="kind", columns="year", values="n", aggfunc=aggregation
        )
        assert list(found.columns) == ["kind", "2024"]
        assert found.columns.name is None
        assert plain(found) == expected

    def test_pivot_leaves_gaps(self) -> None:
        """A pair that isn't there is missing."""
        frame = table(SALES)[:3]
        found = run(data.Pivot, dataframe=frame, index="team", columns="kind", values="n")
        assert plain(found) == [["A", 1, 3], ["B", 2, None]]

    @pytest.mark.parametrize(
        ("properties", "message"),
        [
            ({"index": ""}, "the table has no column ''"),
            ({"aggfunc": "median"}, "aggfunc must be one of sum, mean, count, min, max, first, last"),
            ({"index": "kind"}, "index, columns and values must be three different columns"),
            ({"index": "n", "values": "team", "aggfunc": "mean"}, "mean needs numbers, but team holds none"),
            ({"index": "u"}, "the table can't be pivoted: cannot insert u, already exists"),
        ],
    )
    def test_what_can_not_be_pivoted_is_told(self, properties: dict[str, str], message: str) -> None:
        """Each of the three columns is needed."""
        given = {"index": "team", "columns": "kind", "values": "n", **properties}
        with pytest.raises(ValueError, match=message):
            run(data.Pivot, dataframe=table(SALES).assign(u="x"), **given)


@pytest.mark.parametrize(
    "node",
    [data.Filter, data.Aggregate, data.Pivot, data.Join, data.SortByColumn, data.ImportCSV, data.ToList],
)
def test_work_on_whole_tables_leaves_the_loop(node: type[BaseNode]) -> None:
    """A large table doesn't hold up the other nodes of its job."""
    assert node.spec().shape.blocks
