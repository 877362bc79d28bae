"""nodetool.data: tables come in, go out, and have their columns named, as NodeTool's users expect."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import data
from tests.unit.nodes.support import Notes, run_node

PEOPLE = "name,age,city\nAda,36,London\nBob,17,Paris\nCy,50,London\n"
UNSET = {"type": "dataframe", "uri": "", "asset_id": None, "data": None, "metadata": None, "columns": None}


def run(node: type[BaseNode], context: ProcessingContext | None = None, **properties: Any) -> Any:
    """What a node gives for its properties."""
    return run_node(node, properties, context=context)


def table(csv: str) -> pd.DataFrame:
    return run(data.ImportCSV, csv_data=csv)


def rows(frame: Any) -> list[dict[str, Any]]:
    return run(data.ToList, dataframe=frame)


class TestComingIn:
    def test_csv_has_typed_columns(self) -> None:
        """Numbers in a CSV text are numbers, and Python's, not numpy's, once they leave the table."""
        found = rows(table("product,price,stock\nA,9.99,3\nB,14.5,0\n"))
        assert found == [
            {"product": "A", "price": 9.99, "stock": 3},
            {"product": "B", "price": 14.5, "stock": 0},
        ]
        assert [type(value) for value in found[0].values()] == [str, float, int]

    def test_csv_with_a_header_only_is_an_empty_table(self) -> None:
        """No rows are no error."""
        frame = table("a,b\n")
        assert list(frame.columns) == ["a", "b"]
        assert rows(frame) == []

    @pytest.mark.parametrize(
        ("csv", "message"),
        [
            ("", "the CSV text is empty; expected a first line with the names of the columns"),
            ("\n\n", "the CSV text is empty"),
            ('a\n"unclosed', "the CSV text can't be read: .*EOF inside string"),
            ("a,b\n1,2\n1,2,3\n", "the CSV text can't be read: .*Expected 2 fields in line 3, saw 3"),
            ("a,b\n1,2,3\n4,5,6\n", "the CSV text can't be read: .*Expected 2 fields in line 2, saw 3"),
        ],
    )
    def test_a_broken_csv_is_refused(self, csv: str, message: str) -> None:
        """Values never slide under the names of other columns."""
        with pytest.raises(ValueError, match=message):
            table(csv)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]),
            ('{"a": [1, 2], "b": [3, 4]}', [{"a": 1, "b": 3}, {"a": 2, "b": 4}]),
            ("[[1, 2], [3, 4]]", [{"0": 1, "1": 2}, {"0": 3, "1": 4}]),
            ("[]", []),
        ],
    )
    def test_json_of_records_columns_and_rows(self, text: str, expected: list[dict[str, Any]]) -> None:
        """All the forms of a table that pandas makes of JSON."""
        assert rows(run(data.JSONToDataframe, text=text)) == expected

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "the text is not JSON"),
            ("3", "expected a JSON list of records, found int"),
            ("null", "found NoneType"),
            ('{"a": 1}', "the JSON is no table: .*; expected a list of records"),
            ("[" * 100_000, "the JSON can't be read"),
            (f"[{'9' * 5000}]", "the JSON can't be read"),
        ],
    )
    def test_json_that_is_no_table_is_refused(self, text: str, message: str) -> None:
        """Nesting and digits without end are refused too."""
        with pytest.raises((ValueError, TypeError), match=message):
            run(data.JSONToDataframe, text=text)

    def test_a_list_of_dicts_is_a_table(self) -> None:
        """Cells are scalars: a dict stands for its value, a list for its text; None is missing."""
        frame = run(
            data.FromList, values=[{"a": 1, "b": {"value": 2.5}}, {"a": None, "c": [1, 2]}, {"c": True}]
        )
        assert list(frame.columns) == ["a", "b", "c"]
        assert frame["a"].isna().tolist() == [False, True, True]
        assert frame["c"].tolist()[1:] == ["[1, 2]", True]
        assert frame["b"][0] == 2.5

    def test_an_empty_list_is_an_empty_table(self) -> None:
        """It comes back as it went in."""
        assert rows(run(data.FromList, values=[])) == []

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ([{"a": 1}, 5], r"values\[1\] must be a dict, found int"),
            ([{"a": {"b": 1}}], r"values\[0\]\['a'\] is a dict without 'value'"),
        ],
    )
    def test_a_list_that_is_no_table_is_refused(self, values: list[Any], message: str) -> None:
        """The message says where."""
        with pytest.raises((ValueError, TypeError), match=message):
            run(data.FromList, values=values)

    def test_a_schema_is_passed_on(self) -> None:
        """By default it has no columns."""
        columns = {"type": "record_type", "columns": [{"name": "a", "data_type": "int", "description": ""}]}
        assert run(data.Schema, columns=columns) == columns
        assert run(data.Schema) == {"type": "record_type", "columns": []}


class TestConnections:
    def test_a_table_in_nodetools_form_is_taken(self) -> None:
        """As a property of an exported workflow has it."""
        columns = [{"name": "a", "data_type": "int"}, {"name": "b", "data_type": "string"}]
        given = {**UNSET, "columns": columns, "data": [[1, "x"], [2, "y"]]}
        assert rows(given) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]

    @pytest.mark.parametrize("value", [None, UNSET])
    def test_an_unset_table_is_refused_before_the_run(self, value: Any) -> None:
        """Taken for an empty one, it would hide that a connection is missing."""
        with pytest.raises(ValueError, match="no table is connected"):
            data.ToList.spec().inputs["dataframe"].check(value)

    @pytest.mark.parametrize(
        ("node", "name"),
        [(data.ToList, "dataframe"), (data.DropNA, "df"), (data.Merge, "dataframe_a")],
    )
    def test_a_table_that_was_never_given_is_named(self, node: type[BaseNode], name: str) -> None:
        """A node that stands alone says which input it misses."""
        with pytest.raises(ValueError, match=f"no table is connected to {name}"):
            run(node)

    def test_no_node_changes_the_table_it_is_given(self) -> None:
        """Several nodes hold the same table."""
        frame = table("a,b\n1,\n2,x\n2,x\n")
        before = frame.copy()
        run(data.AddColumn, dataframe=frame, column_name="c", values=[1, 2, 3])
        run(data.AddColumn, dataframe=frame, column_name="a", values=[1, 2, 3])
        run(data.FillNA, dataframe=frame, value="y")
        run(data.Rename, dataframe=frame, rename_map="a:z")
        run(data.SortByColumn, df=frame, column="a")
        run(data.DropDuplicates, df=frame)
        pd.testing.assert_frame_equal(frame, before)


class TestColumns:
    @pytest.mark.parametrize("names", ["name,city", "name, city", " name ,city,"])
    def test_select_keeps_the_named_order(self, names: str) -> None:
        """Blanks and a last comma don't matter."""
        frame = run(data.SelectColumn, dataframe=table(PEOPLE), columns=names)
        assert list(frame.columns) == ["name", "city"]
        assert list(run(data.SelectColumn, dataframe=frame, columns="city,name").columns) == [
            "city",
            "name",
        ]

    def test_a_name_with_a_comma_is_found(self) -> None:
        """The whole text may be one name."""
        frame = pd.DataFrame({"Last, First": ["x"], "b": [1]})
        assert list(run(data.SelectColumn, dataframe=frame, columns="Last, First").columns) == ["Last, First"]

    def test_a_number_as_a_name_is_found(self) -> None:
        """Tables of notebooks have such columns."""
        assert run(data.ExtractColumn, dataframe=pd.DataFrame({2024: [1, 2]}), column_name="2024") == [
            1,
            2,
        ]

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            ("name,agee", r"no column 'agee' \(did you mean 'age'\?\); its columns are name, age, city"),
            ("", "name at least one column of the table; its columns are name, age, city"),
            (" , ", "name at least one column"),
        ],
    )
    def test_a_wrong_name_is_told_with_the_right_ones(self, names: str, message: str) -> None:
        """Nothing is left out in silence."""
        with pytest.raises(ValueError, match=message):
            run(data.SelectColumn, dataframe=table(PEOPLE), columns=names)

    def test_a_wide_table_is_named_in_part(self) -> None:
        """A message stays short."""
        with pytest.raises(ValueError, match=r"its columns are 0, 1, .*, 29 and 70 more"):
            run(data.ExtractColumn, dataframe=pd.DataFrame(columns=range(100)), column_name="x")

    def test_extract_gives_python_values(self) -> None:
        """They go on as a list."""
        ages = run(data.ExtractColumn, dataframe=table(PEOPLE), column_name="age")
        assert ages == [36, 17, 50]
        assert {type(age) for age in ages} == {int}

    def test_a_doubled_name_is_refused(self) -> None:
        """Which one is meant can't be known."""
        frame = pd.concat([table("a\n1\n"), table("a\n2\n")], axis=1)
        with pytest.raises(ValueError, match="2 columns are called 'a'; rename them first"):
            run(data.ExtractColumn, dataframe=frame, column_name="a")

    def test_add_appends_or_replaces(self) -> None:
        """A new name comes last; a known one keeps its place."""
        frame = run(data.AddColumn, dataframe=table("a,b\n1,2\n"), column_name="c", values=["x"])
        assert rows(frame) == [{"a": 1, "b": 2, "c": "x"}]
        frame = run(data.AddColumn, dataframe=frame, column_name="a", values=[None])
        assert list(frame.columns) == ["a", "b", "c"]

    def test_add_begins_a_table(self) -> None:
        """An empty table takes a column of any length."""
        frame = run(data.AddColumn, dataframe=pd.DataFrame(), column_name="a", values=[1, 2])
        assert rows(frame) == [{"a": 1}, {"a": 2}]

    @pytest.mark.parametrize(
        ("name", "values", "message"),
        [("c", [1], "expected 3 values, one a row, found 1"), ("", [1, 2, 3], "the new column needs a name")],
    )
    def test_add_refuses_what_does_not_fit(self, name: str, values: list[Any], message: str) -> None:
        """The count of both is told."""
        with pytest.raises(ValueError, match=message):
            run(data.AddColumn, dataframe=table(PEOPLE), column_name=name, values=values)

    def test_rename_takes_pairs(self) -> None:
        """A new name may have blanks and colons; an empty map changes nothing."""
        frame = run(data.Rename, dataframe=table(PEOPLE), rename_map="name:Full Name, age : Age: years,")
        assert list(frame.columns) == ["Full Name", "Age: years", "city"]
        assert list(run(data.Rename, dataframe=frame, rename_map=" ").columns) == list(frame.columns)

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            ("nme:x", r"no column 'nme' \(did you mean 'name'\?\)"),
            ("name", "expected old:new, found 'name'"),
            ("name:", "expected old:new, found 'name:'"),
        ],
    )
    def test_rename_refuses_what_it_would_ignore(self, names: str, message: str) -> None:
        """A misspelled name would otherwise go unseen."""
        with pytest.raises(ValueError, match=message):
            run(data.Rename, dataframe=table(PEOPLE), rename_map=names)


class TestGoingOut:
    def test_missing_values_stay_missing(self) -> None:
        """A list has NaN where the table has nothing."""
        found = rows(table("a,b\n1,\n"))
        assert found[0]["a"] == 1
        assert math.isnan(found[0]["b"])

    def test_columns_of_one_name_are_told(self) -> None:
        """A dict can only hold one of them."""
        context = Notes()
        frame = pd.concat([table("a,b\n1,2\n"), table("a\n3\n")], axis=1)
        assert run(data.ToList, context, dataframe=frame) == [{"a": 3, "b": 2}]
        assert context.lines == ["warning: columns of the same name: a dict holds the last of them"]

    def test_rows_come_one_by_one(self) -> None:
        """Each with its label, which stays that of the first table."""
        frame = run(data.Filter, df=table(PEOPLE), condition="city == 'London'")
        assert run(data.ForEachRow, dataframe=frame) == [
            {"row": {"name": "Ada", "age": 36, "city": "London"}, "index": 0},
            {"row": {"name": "Cy", "age": 50, "city": "London"}, "index": 2},
        ]
        assert run(data.RowIterator, dataframe=frame)[1] == {
            "dict": {"name": "Cy", "age": 50, "city": "London"},
            "index": 2,
        }

    def test_many_rows_come_in_order(self) -> None:
        """Batches leave nothing out."""
        frame = pd.DataFrame({"n": range(3 * data.BATCH + 1)})
        found = run(data.ForEachRow, dataframe=frame)
        assert [item["row"]["n"] for item in found] == list(range(len(frame)))
        assert {type(item["index"]) for item in found} == {int}

    def test_no_rows_give_nothing(self) -> None:
        """An empty table ends at once."""
        assert run(data.ForEachRow, dataframe=table("a\n")) == []

    def test_none_is_filtered_from_a_stream(self) -> None:
        """Other empty values pass."""

        found = run_node(data.FilterNone, streams={"value": [1, None, 0, "", None, []]})
        assert [item["output"] for item in found] == [1, 0, "", []]
        assert data.FilterNone.spec().reads_stream
