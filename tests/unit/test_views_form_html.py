"""What is kept of a panel, its parts as HTML, and the places where a job can run with their limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.settings import load_settings
from nodetool_jupyter.strategies.base import Fingerprint
from nodetool_jupyter.strategies.subprocess import SubprocessStrategy
from nodetool_jupyter.views import form_html
from nodetool_jupyter.views.entries import Upload
from nodetool_jupyter.views.form_html import Kept, past_label
from nodetool_jupyter.views.places import LIMITS, Place, limit_reason, places, read_limits
from tests.unit.pages import Page
from tests.unit.test_views_form import form, node
from tests.unit.watched_jobs import chain, completed, folded, output, ran, running

HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m\u202e\nsecond"
SHOWN = "<img src=x onerror=alert(1)> second"


def kept(entry: Any = "tea", **limits: str) -> Kept:
    nodes = (node("StringInput", "word"), node("BooleanInput", "loud", value=True))
    shown = form(*nodes, name="Say it", description="Says a word.")
    return Kept(shown, {"word": entry, "loud": True}, "threaded", limits)


class TestKept:
    def test_is_the_form_as_text(self) -> None:
        """What was entered, strategy, and those limits that are set."""
        bundle = kept(timeout="20", memory="").bundle()
        assert bundle["text/plain"].split("\n") == [
            "panel of Say it",
            "  word *: tea",
            "  loud: yes",
            "  strategy: threaded",
            "  timeout: 20",
        ]
        text = Page(bundle["text/html"]).text
        for word in ("Say it", "Says a word.", "* must be given", "tea", "yes", "threaded", "20"):
            assert word in text

    def test_has_the_end_of_the_last_run(self) -> None:
        """As the cell of a job keeps it, without id and time."""
        view = folded(chain("a"), [running(), *ran("a"), output("ABC"), completed()])
        shown = kept()
        bundle = Kept(shown.form, shown.entries, "threaded", {}, view).bundle()
        assert "✓ quickstart: completed" in bundle["text/plain"]
        assert "ABC" in Page(bundle["text/html"]).text
        assert "2.5" not in bundle["text/plain"] + Page(bundle["text/html"]).text

    @pytest.mark.parametrize(
        ("entry", "text"),
        [
            (Upload(HOSTILE, b"png"), f"{SHOWN} (3 bytes)"),
            (HOSTILE, SHOWN),
            (None, ""),
            (False, "no"),
            ("x" * 300, "x" * 199 + "…"),
        ],
    )
    def test_entries_are_one_clean_line(self, entry: Any, text: str) -> None:
        """Escaped in HTML, bounded everywhere."""
        bundle = kept(entry).bundle()
        assert f"word *: {text}".rstrip() in bundle["text/plain"]
        assert text in Page(bundle["text/html"]).text


class TestParts:
    def test_hostile_text_stays_text(self) -> None:
        """Names, descriptions, problems and reasons come from workflows and their nodes."""
        shown = form(node("StringInput", HOSTILE, value=""), name=HOSTILE, description=HOSTILE)
        parts = [form_html.heading(shown), form_html.told(HOSTILE), form_html.problem(HOSTILE)]
        parts += [form_html.news(HOSTILE), form_html.uploaded(Upload(HOSTILE, b"png"))]
        view = folded(chain("a"), [running(), *ran("a"), output(HOSTILE, HOSTILE), completed()], HOSTILE)
        for part in (*parts, form_html.results(view)):
            assert "<img src=x onerror=alert(1)>" in Page(part).text

    def test_screen_readers_hear_what_is_new(self) -> None:
        """What is wrong at once, what was done in its turn; an empty line says nothing."""
        assert Page(form_html.problem("no")).named("div", role="alert")
        assert Page(form_html.news("done")).named("div", role="status")
        assert Page(form_html.heading(form())).named("div", role="heading")
        assert not form_html.problem("") + form_html.news("") + form_html.told("")

    def test_results_are_shown_in_full(self) -> None:
        """Below the card, folded: a text of many lines is more than the card's own line."""
        view = folded(chain("a"), [running(), *ran("a"), output("one\ntwo"), completed()])
        page = Page(form_html.results(view))
        assert "Result result" in page.text
        assert "one\ntwo" in page.text

    def test_a_past_run_is_one_line(self) -> None:
        """With those params alone that are not the workflow's own."""
        record = JobRecord(
            id="a",
            created_at=0,
            status=JobStatus.COMPLETED,
            duration=2.5,
            params={"word": HOSTILE, "times": 2, "loud": True},
        )
        label = past_label(record, "today", {"times": 2, "loud": False})
        assert (
            label
            == "✓ completed · today · threaded · 2.50 s · word=<img src=x onerror=alert(1)> …, loud=True"
        )


class TestPlaces:
    def test_all_strategies_are_named(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Those that can't be used too, with the reason."""
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
        found = {place.name: place for place in places(load_settings())}
        assert [name for name, place in found.items() if place.is_available] == ["threaded", "subprocess"]
        assert found["threaded"].limits == {"timeout"}
        assert "the Docker Engine doesn't answer" in found["docker"].sentence

    def test_the_reason_is_the_strategy_s_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As it would refuse a job."""
        monkeypatch.setattr(SubprocessStrategy, "fingerprint", lambda _: Fingerprint(False, "no fork"))
        found = {place.name: place for place in places(load_settings())}
        assert not found["subprocess"].is_available
        assert found["subprocess"].sentence == "no fork"

    def test_a_limit_has_a_reason_where_it_is_not_kept(self) -> None:
        """And those strategies are named that keep it, if they can be used."""
        here = Place("threaded", True, "", frozenset({"timeout"}))
        others = [
            here,
            Place("subprocess", True, "", frozenset({"memory"})),
            Place("x", False, "", frozenset({"shm"})),
        ]
        assert limit_reason("timeout", here, others) == ""
        assert limit_reason("memory", here, others) == "threaded can't limit it; subprocess can"
        assert limit_reason("shm", here, others) == "threaded can't limit it"

    def test_every_limit_has_a_field(self) -> None:
        """A new one is not forgotten."""
        assert list(LIMITS.keys() ^ ResourceLimits.model_fields.keys()) == []

    def test_limits_are_read_as_options_are(self) -> None:
        """Sizes and numbers; what is empty is no limit."""
        entries = {"memory": "512m", "timeout": " 20 ", "processes": "5", "file_size": "1k", "cpus": ""}
        limits, problems = read_limits(entries)
        assert not problems
        assert limits.named() == {"memory": 512 * 2**20, "timeout": 20.0, "processes": 5, "file_size": 1024}

    @pytest.mark.parametrize(
        ("name", "entry", "words"),
        [
            ("memory", "lots", "a size such as 512m"),
            ("timeout", "0", "seconds above 0"),
            ("cpu_seconds", "1.5", "whole seconds above 0"),
            ("processes", "-1", "a number"),
            ("shm", "x", "a size above 0"),
            ("gpus", "one", "device=0"),
        ],
    )
    def test_a_wrong_limit_is_a_sentence(self, name: str, entry: str, words: str) -> None:
        """It says what will do."""
        limits, problems = read_limits({name: entry})
        assert words in problems[name]
        assert not limits.named()
