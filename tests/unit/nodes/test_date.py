"""lib.date: dates and times are read, written, compared and moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from nodetool_jupyter.nodes import date as nodes
from tests.unit.nodes.support import assert_refused, cases, run_node

DAY = datetime(2024, 2, 29, 13, 5, 9, 7, tzinfo=UTC)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def last(*parts: int) -> datetime:
    return at(*parts) - timedelta(microseconds=1)


@cases(
    (nodes.ParseDate, {"date_string": "2024-02-29"}, date(2024, 2, 29)),
    (nodes.ParseDate, {"date_string": " 29/02/2024", "input_format": "%d/%m/%Y"}, date(2024, 2, 29)),
    (nodes.ParseDateTime, {"datetime_string": "20240229_130509", "input_format": "%Y%m%d_%H%M%S"},
     at(2024, 2, 29, 13, 5, 9)),
    (nodes.ParseDateTime, {"datetime_string": "2024-02-29T13:05:00+0200",
      "input_format": "%Y-%m-%dT%H:%M:%S%z"},
     at(2024, 2, 29, 11, 5)),
    (nodes.FormatDateTime, {"input_datetime": DAY}, "February 29, 2024"),
    (nodes.FormatDateTime, {"input_datetime": DAY, "output_format": "%Y-%m-%dT%H:%M:%S%z"},
     "2024-02-29T13:05:09+0000"),
    (nodes.DateToDatetime, {"input_date": date(2024, 2, 29)}, at(2024, 2, 29)),
    (nodes.DatetimeToDate, {"input_datetime": DAY}, date(2024, 2, 29)),
    (nodes.AddTimeDelta, {"input_datetime": DAY, "days": 1, "hours": -13, "minutes": -5},
     at(2024, 3, 1, 0, 0, 9, 7)),
    (nodes.GetWeekday, {"input_datetime": DAY}, "Thursday"),
    (nodes.GetWeekday, {"input_datetime": DAY, "as_name": False}, 3),
    (nodes.GetQuarter, {"input_datetime": DAY},
     {"quarter": 1, "quarter_start": at(2024, 1, 1), "quarter_end": at(2024, 3, 31)}),
    (nodes.GetQuarter, {"input_datetime": at(2024, 12, 31)},
     {"quarter": 4, "quarter_start": at(2024, 10, 1), "quarter_end": at(2024, 12, 31)}),
)  # fmt: skip
def test_what_nodes_give(node: Any, properties: dict[str, Any], expected: Any) -> None:
    assert run_node(node, properties) == expected


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("day", at(2024, 2, 29), last(2024, 3, 1)),
        ("week", at(2024, 2, 26), last(2024, 3, 4)),
        ("month", at(2024, 2, 1), last(2024, 3, 1)),
        ("year", at(2024, 1, 1), last(2025, 1, 1)),
    ],
)
def test_the_ends_of_a_period(period: str, start: datetime, end: datetime) -> None:
    given = {"input_datetime": DAY, "period": period}
    assert run_node(nodes.BoundaryTime, given) == start
    assert run_node(nodes.BoundaryTime, {**given, "boundary": "end"}) == end


@pytest.mark.parametrize(("day", "start"), [(3, 3), (4, 3), (9, 3), (10, 10)])
def test_a_week_may_begin_on_sunday(day: int, start: int) -> None:
    given = {"input_datetime": at(2024, 3, day), "period": "week", "start_monday": False}
    assert run_node(nodes.BoundaryTime, given) == at(2024, 3, start)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (at(2024, 2, 28, 12), at(2024, 2, 29, 13, 1, 2), (90062, 1, 1, 1, 2)),
        (at(2024, 2, 29, 13, 1, 2), at(2024, 2, 28, 12), (-90062, -2, 22, 58, 58)),
        (at(2024, 1, 1, 1), at(2024, 1, 1), (-3600, -1, 23, 0, 0)),
        (at(2024, 1, 1), at(2024, 1, 1), (0, 0, 0, 0, 0)),
        (at(2024, 1, 1), at(2024, 1, 1, 0, 0, 0, 999_999), (0, 0, 0, 0, 0)),
    ],
)
def test_a_difference_in_parts(first: datetime, second: datetime, expected: tuple[int, ...]) -> None:
    """Of a time that is earlier, the days alone are below 0, as NodeTool counts."""
    found = run_node(nodes.DateDifference, {"start_date": first, "end_date": second})
    assert tuple(found.values()) == expected


def test_a_quarter_is_one_of_utc() -> None:
    """Whatever the zone of the moment; its end is the first moment of its last day."""
    moment = datetime(2024, 5, 5, 12, tzinfo=timezone(timedelta(hours=2)))
    found = run_node(nodes.GetQuarter, {"input_datetime": moment})
    assert found == {"quarter": 2, "quarter_start": at(2024, 4, 1), "quarter_end": at(2024, 6, 30)}


def test_a_range_has_both_ends() -> None:
    given = {"start_date": at(2024, 2, 28), "end_date": at(2024, 3, 1)}
    assert run_node(nodes.DateRange, given) == [at(2024, 2, 28), at(2024, 2, 29), at(2024, 3, 1)]
    assert run_node(nodes.DateRange, {**given, "step_days": 2}) == [at(2024, 2, 28), at(2024, 3, 1)]
    assert run_node(nodes.DateRange, {"start_date": at(2024, 3, 2), "end_date": at(2024, 3, 1)}) == []


@pytest.mark.parametrize(
    ("inclusive", "expected"), [(True, [True, True, False]), (False, [False, True, False])]
)
def test_a_range_counts_its_ends_or_not(inclusive: bool, expected: list[bool]) -> None:
    given = {"start_date": at(2024, 1, 1), "end_date": at(2024, 1, 31), "inclusive": inclusive}
    checked = (at(2024, 1, 1), at(2024, 1, 2), at(2024, 2, 1))
    assert [run_node(nodes.IsDateInRange, {**given, "check_date": day}) for day in checked] == expected


def test_zones_are_compared_by_the_moment() -> None:
    """A time without a zone is one of UTC, so that it can be compared at all."""
    noon = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    given = {"start_date": datetime(2024, 1, 1, 9), "check_date": noon, "end_date": "2024-01-01T11:00:00Z"}  # noqa: DTZ001
    assert run_node(nodes.IsDateInRange, given)


def test_now_is_told_in_utc() -> None:
    before = datetime.now(UTC)
    now = run_node(nodes.Now)
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)
    assert abs(run_node(nodes.Today) - now.date()) <= timedelta(days=1)


@pytest.mark.parametrize(
    ("unit", "least", "most"),
    [("hours", 7199, 7201), ("days", 172799, 172801), ("months", 58 * 86400, 63 * 86400)],
)
@pytest.mark.parametrize(("direction", "sign"), [("future", 1), ("past", -1)])
def test_relative_to_now(unit: str, least: int, most: int, direction: str, sign: int) -> None:
    found = run_node(nodes.RelativeTime, {"amount": 2, "unit": unit, "direction": direction})
    assert least <= sign * (found - datetime.now(UTC)).total_seconds() <= most


@pytest.mark.parametrize(
    ("months", "expected"),
    [(1, at(2024, 2, 29)), (13, at(2025, 2, 28)), (-2, at(2023, 11, 30)), (12, at(2025, 1, 31))],
)
def test_a_month_may_be_shorter(months: int, expected: datetime) -> None:
    assert nodes.plus_months(at(2024, 1, 31), months) == expected


def test_what_is_no_date_is_refused() -> None:
    assert_refused(nodes.ParseDate, {"date_string": "2023-02-29"}, "is no date that is written as %Y-%m-%d")
    assert_refused(nodes.FormatDateTime, {}, "no date is given")
    assert_refused(nodes.DateToDatetime, {}, "no date is given")
    assert_refused(nodes.FormatDateTime, {"input_datetime": DAY, "output_format": "%c"}, "expected enum")
    given = {"start_date": at(1, 1, 1), "end_date": at(9999, 1, 1)}
    assert_refused(nodes.DateRange, given, "the range has 3,651,695 dates; at most 100,000")
    assert_refused(nodes.DateRange, {**given, "step_days": 0}, "step_days must be at least 1, found 0")
    for unit in ("hours", "days", "months"):
        assert_refused(nodes.RelativeTime, {"amount": 10**12, "unit": unit}, "out of the years 1 to 9999")
    late = {"input_datetime": at(9999, 12, 31), "days": 1}
    assert_refused(nodes.AddTimeDelta, late, "leads out of the years 1 to 9999")
