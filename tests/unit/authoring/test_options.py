"""The options: one table, read from a line or from Python values, with errors that say what was meant."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from nodetool_jupyter.authoring.option_line import from_values, parse
from nodetool_jupyter.authoring.options import (
    BY_FIELD,
    BY_FLAG,
    OPTIONS,
    CellOptions,
    Completion,
    Param,
    usage,
)
from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.model.request import ExecutionStrategy


def refused(line: str, namespace: Mapping[str, Any] | None = None) -> str:
    with pytest.raises(OptionError) as caught:
        parse(line, namespace)
    return str(caught.value)


class TestTable:
    def test_each_option_has_its_field(self) -> None:
        """A row without a field, or a field without a row, would be an option that does nothing."""
        assert list(BY_FIELD) == [field.name for field in dataclasses.fields(CellOptions)]

    def test_all_options_of_the_contract_are_there(self) -> None:
        """Those that a user of the documentation types."""
        flags = (
            "-s --strategy -p --param --params -o --out -b --background -t --timeout --memory --cpus --gpus "
            "--image --network --sandbox --name --progress --resume --dry-run --trust --file --format --quiet"
        )
        assert set(BY_FLAG) == set(flags.split())

    def test_each_row_is_whole(self) -> None:
        """Help for all; for those with a value, what it may be, and what completes it."""
        for option in OPTIONS:
            assert option.help
            assert bool(option.metavar) is not option.is_switch
            assert option.is_switch or option.accepted
            assert option.completion is not Completion.CHOICES or option.choices

    def test_choices_are_accepted_by_their_own_reader(self) -> None:
        """What completion offers can be typed."""
        for option in OPTIONS:
            for choice in option.choices:
                assert option.read(choice) == choice

    def test_help_names_every_option(self) -> None:
        """``%%nodetool?`` is the table."""
        text = usage()
        for option in OPTIONS:
            assert option.flag in text
            assert option.help in text
        assert "-p, --param NAME=VALUE" in text
        assert "(may be repeated)" in text
        assert max(map(len, text.splitlines())) <= 120


class TestLine:
    @pytest.mark.parametrize(
        ("line", "given"),
        [
            ("", {}),
            ("   ", {}),
            ("-s docker", {"strategy": "docker"}),
            ("--strategy subprocess", {"strategy": "subprocess"}),
            ("--strategy=dask", {"strategy": "dask"}),
            ("-sdocker", {"strategy": "docker"}),
            ("-s=docker", {"strategy": "docker"}),
            ("-o result", {"out": "result"}),
            ("-b", {"background": True}),
            ("--background --quiet", {"background": True, "quiet": True}),
            ("-t 30", {"timeout": 30.0}),
            ("-t0.5", {"timeout": 0.5}),
            ("--memory 512m", {"memory": 512 * 2**20}),
            ("--memory 1.5g --cpus 1.5", {"memory": 3 * 2**29, "cpus": 1.5}),
            ("--gpus all", {"gpus": "all"}),
            ("--gpus device=0,1", {"gpus": "device=0,1"}),
            ("--image registry:5000/team/image:tag", {"image": "registry:5000/team/image:tag"}),
            ("--network none", {"network": "none"}),
            ("--sandbox untrusted", {"sandbox": "untrusted"}),
            ("--name 'my job'", {"name": "my job"}),
            ("--progress text", {"progress": "text"}),
            ("--dry-run", {"dry_run": True}),
            ("--trust", {"trust": True}),
            ("--file 'a b.json'", {"file": Path("a b.json")}),
            ("--format yaml", {"format": "yaml"}),
        ],
    )
    def test_options_are_typed(self, line: str, given: dict[str, Any]) -> None:
        """Each by its row; what isn't given is not in it."""
        assert parse(line).given() == given

    @pytest.mark.parametrize(
        ("line", "params"),
        [
            ("-p n=5", [("n", "5")]),
            ("-p n=5 --param m=6", [("n", "5"), ("m", "6")]),
            ("-pn=5", [("n", "5")]),
            ("--param=n=5", [("n", "5")]),
            ("-p text='hello world'", [("text", "hello world")]),
            ('-p "text=hello world"', [("text", "hello world")]),
            ("-p n=-5", [("n", "-5")]),
            ("-p text=", [("text", "")]),
            ("-p url=http://x/?a=1", [("url", "http://x/?a=1")]),
            ("-p xs='[1, 2]'", [("xs", "[1, 2]")]),
            ("-p price=$$5", [("price", "$5")]),
            ("-p price='$5'", [("price", "$5")]),
            ("-p f='a;$(rm -rf x)`y`'", [("f", "a;$(rm -rf x)`y`")]),
        ],
    )
    def test_params_stay_text(self, line: str, params: list[tuple[str, str]]) -> None:
        """Their input nodes say what they are; nothing on the line is ever run."""
        assert parse(line).param == tuple(Param(name, value) for name, value in params)

    def test_variables_of_the_notebook(self) -> None:
        """``$name`` is the object itself for params, its text for other options."""
        table = object()
        names = {"table": table, "limit": 2, "where": Path("x.json"), "s": ExecutionStrategy.DOCKER}
        options = parse("-p t=$table -t $limit --file $where -s $s", names)
        assert options.param == (Param("t", table, is_text=False),)
        assert (options.timeout, options.file, options.strategy) == (2.0, Path("x.json"), "docker")

    def test_a_variable_that_is_not_there(self) -> None:
        """A guess, or the way to write a dollar."""
        assert "did you mean $title?" in refused("-p t=$titel", {"title": 1})
        assert "write $$zzz for the text $zzz" in refused("-p t=$zzz")

    @pytest.mark.parametrize(
        "line",
        [
            """--params '{"n": 5, "t": "a b"}'""",
            """--params {"n": 5, "t": "a b"}""",
            """--params={"n": 5, "t": "a b"}""",
            """--params {'n': 5, 't': 'a b'}""",
            """--params $values""",
            """--params values""",
            """--params "{'n': 5, 't': 'a b'}" """,
        ],
    )
    def test_several_params(self, line: str) -> None:
        """JSON, a variable, or its repr, which IPython makes of ``$values``; other options go on."""
        options = parse(f"-s docker {line} -b", {"values": {"n": 5, "t": "a b"}})
        assert options.params == {"n": 5, "t": "a b"}
        assert (options.strategy, options.background) == ("docker", True)

    def test_braces_and_quotes_inside_of_params(self) -> None:
        """An unquoted object ends at its own brace."""
        options = parse("""--params {"a": {"b": "}' {"}, 'c': 'it\\'s'} --quiet""")
        assert options.params == {"a": {"b": "}' {"}, "c": "it's"}
        assert options.quiet

    def test_a_quoted_word_like_params_is_text(self) -> None:
        """Only an option is an option."""
        assert parse("-p 't=x --params {y'").param == (Param("t", "x --params {y"),)

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("--strateg docker", "there is no option --strateg\n  → did you mean --strategy?"),
            ("-strategy docker", "there is no option -strategy\n  → did you mean --strategy?"),
            ("-x", "there is no option -x\n  → %%nodetool? lists the options"),
            ("--dryrun", "did you mean --dry-run?"),
            ("--memry=5", "there is no option --memry\n  → did you mean --memory?"),
            ("docker", "'docker' belongs to no option\n  → a strategy is written --strategy docker"),
            ("n=5", "a param is written -p n=5"),
            ("flow.json", "a file is written --file flow.json"),
            ("quiet", "did you mean --quiet?"),
            ("-b yes", "'yes' belongs to no option"),
            ("-b=yes", "--background takes no value, found 'yes'"),
            ("-s", "--strategy needs a value"),
            ("--name --quiet", "--name needs a value"),
            ("-t 5 -t 6", "--timeout is given twice"),
            ("-b -b", "--background is given twice"),
            ("--name 'x", "a quote is not closed in: --name 'x"),
            ("-t soon", "--timeout can't be 'soon'; accepted is seconds above 0"),
            ("-t 0", "--timeout can't be '0'"),
            ("-t -5", "--timeout can't be '-5'"),
            ("-t inf", "--timeout can't be 'inf'"),
            ("-t nan", "--timeout can't be 'nan'"),
            ("--cpus 0", "--cpus can't be '0'; accepted is a number above 0"),
            ("--memory lots", "--memory can't be 'lots'; accepted is a size such as 512m"),
            ("--memory -5m", "--memory can't be '-5m'"),
            ("--memory 0", "--memory can't be '0'"),
            ("--memory 1e400", "--memory can't be '1e400'"),
            ("--gpus 2", "--gpus can't be '2'; accepted is all, or device=0"),
            ("--network hots", "--network can't be 'hots'; accepted is one of none, bridge, host"),
            ("--network hots", "did you mean host?"),
            ("--sandbox on", "accepted is one of off, default, untrusted"),
            ("--progress bar", "accepted is one of auto, widget, text, none"),
            ("--format toml", "accepted is one of python, json, yaml"),
            ("--image 'a; rm'", "--image can't be 'a; rm'"),
            ("--image '$(x)'", "--image can't be '$(x)'"),
            ("-s 'a b'", "--strategy can't be 'a b'; accepted is the name of a strategy"),
            ("-o 5x", "--out can't be '5x'; accepted is a variable's name"),
            ("-o class", "--out can't be 'class'"),
            ("--name ''", "--name can't be ''"),
            ("--name 'a\nb'", "--name can't be"),
            ("--file ''", "--file can't be ''"),
            ("-p n", "--param can't be 'n'; accepted is name=value"),
            ("-p =5", "--param can't be '=5'"),
            ("-p n=1 -p n=2", "param 'n' is given twice"),
            ("--params", "--params needs a value"),
            ("--params 5", "--params can't be int 5; accepted is an object"),
            ("--params [1]", "--params can't be list"),
            ("--params {n: 5}", "--params can't be read as JSON"),
            ("--params nothing", "--params can't be read as JSON"),
            ("""--params '{"n": 1, "n": 2}'""", "--params holds key 'n' twice"),
            ("""--params '{"n": NaN}'""", "--params holds nan"),
            ("--params {5: 1}", "the name 5 is no text"),
            ("--params '" + "[" * 5000 + "'", "--params can't be read as JSON"),
            ("--params {", "--params can't be read as JSON"),
        ],
    )
    def test_a_wrong_line_says_what_is_wrong(self, line: str, message: str) -> None:
        """The option, the value, what is accepted, and where it can be guessed, what was meant."""
        assert message in refused(line)

    def test_a_long_name_is_refused(self) -> None:
        """It stands in lists."""
        assert "at most 200 characters" in refused(f"--name {'x' * 201}")

    def test_a_variable_must_fit_its_option(self) -> None:
        """As a value that was typed."""
        assert "--params can't be int 5" in refused("--params $v", {"v": 5})
        assert "--timeout can't be list" in refused("-t $v", {"v": [5]})
        assert "--timeout can't be '-5'" in refused("-t $v", {"v": -5})
        assert "--timeout can't be bool True" in refused("-t $v", {"v": True})


class TestValues:
    def test_python_values_are_read_as_text_is(self) -> None:
        """For the Python API and for settings; None is not given."""
        values = {
            "strategy": ExecutionStrategy.DOCKER,
            "memory": "512m",
            "timeout": 5,
            "cpus": 1.5,
            "file": Path("x.json"),
            "background": True,
            "quiet": False,
            "name": None,
            "params": MappingProxyType({"n": 1}),
        }
        assert from_values(values).given() == {
            "strategy": "docker",
            "memory": 512 * 2**20,
            "timeout": 5.0,
            "cpus": 1.5,
            "file": Path("x.json"),
            "background": True,
            "quiet": False,
            "params": {"n": 1},
        }
        assert from_values({"memory": 1024}).memory == 1024

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"memry": "5m"}, "there is no option 'memry'\n  → did you mean 'memory'?"),
            ({"zzz": 1}, "there are strategy, param"),
            ({"param": ["n=5"]}, "there is no option 'param'"),
            ({"background": "yes"}, "--background can't be str 'yes'; accepted is True or False"),
            ({"background": 1}, "accepted is True or False"),
            ({"timeout": "soon"}, "--timeout can't be 'soon'"),
            ({"timeout": True}, "--timeout can't be bool True"),
            ({"timeout": [1]}, "--timeout can't be list"),
            ({"params": [1]}, "--params can't be list"),
            ({"params": {1: 2}}, "the name 1 is no text"),
            ({"progress": "bar"}, "--progress can't be 'bar'"),
        ],
    )
    def test_wrong_values_are_refused(self, values: dict[str, Any], message: str) -> None:
        """By the same table, in the same words."""
        with pytest.raises(OptionError) as caught:
            from_values(values)
        assert message in str(caught.value)

    def test_enums_of_others_are_their_values(self) -> None:
        """A choice may come as an enum."""

        class Mode(enum.Enum):
            TEXT = "text"

        assert from_values({"progress": Mode.TEXT}).progress == "text"

    def test_defaults_are_for_what_was_not_given(self) -> None:
        """A choice that equals a default is still a choice; False is given too."""
        defaults = CellOptions(strategy="docker", timeout=5.0, quiet=True)
        chosen = CellOptions(strategy="threaded", quiet=False).over(defaults)
        assert chosen == CellOptions(strategy="threaded", timeout=5.0, quiet=False)
        assert CellOptions().over(defaults) == defaults
