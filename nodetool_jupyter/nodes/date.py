"""lib.date: dates and times. A time that comes without a zone is taken as one of UTC."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, TypedDict

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.nodes.matching import shortened
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.fields import Date, Datetime

MAX_DATES = 100_000
NO_DATE = {"type": "date", "year": 0, "month": 0, "day": 0}
NO_DATETIME = {
    **NO_DATE,
    "type": "datetime",
    "hour": 0,
    "minute": 0,
    "second": 0,
    "microsecond": 0,
    "tzinfo": "UTC",
    "utc_offset": 0,
}
Format = Annotated[
    Literal[
        "%Y-%m-%d",
        "%m/%d/%Y",
        "%d/%m/%Y",
        "%B %d, %Y",
        "%Y%m%d",
        "%Y%m%d_%H%M%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dT%H:%M:%S%z",
    ],
    TypeMetadata(
        type="enum",
        values=(
            *("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%B %d, %Y", "%Y%m%d", "%Y%m%d_%H%M%S"),
            # NodeTool has two names for the last one.
            *("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%z"),
        ),
    ),
]
Datetimes = Annotated[Any, TypeMetadata(type="list", type_args=(TypeMetadata(type="datetime"),))]


class DateNode(BaseNode, prefix="lib.date", abstract=True):
    """Base of the family."""


class MomentNode(DateNode, abstract=True):
    """Base of those that are given one date and time."""

    input_datetime: Datetime = Field(default=NO_DATETIME, description="The date and time.")

    @property
    def moment(self) -> datetime:
        return aware(self.input_datetime)


class Today(DateNode):
    """The date of today, where this runs."""

    async def process(self, context: ProcessingContext) -> date:
        return datetime.now().astimezone().date()


class Now(DateNode):
    """The date and time of now, in UTC."""

    async def process(self, context: ProcessingContext) -> datetime:
        return datetime.now(UTC)


class ParseDate(DateNode):
    """The date that a text describes."""

    date_string: str = Field(default="", description="The text.")
    input_format: Format = Field(default="%Y-%m-%d", description="How the date is written.")

    async def process(self, context: ProcessingContext) -> date:
        return read(self.date_string, self.input_format).date()


class ParseDateTime(DateNode):
    """The date and time that a text describes."""

    datetime_string: str = Field(default="", description="The text.")
    input_format: Format = Field(default="%Y-%m-%d", description="How they are written.")

    async def process(self, context: ProcessingContext) -> datetime:
        return read(self.datetime_string, self.input_format)


class FormatDateTime(MomentNode):
    """A date and time as text."""

    output_format: Format = Field(default="%B %d, %Y", description="How to write it.")

    async def process(self, context: ProcessingContext) -> str:
        return self.moment.strftime(self.output_format)


class DateToDatetime(DateNode):
    """The first moment of a date, in UTC."""

    input_date: Date = Field(default=NO_DATE, description="The date.")

    async def process(self, context: ProcessingContext) -> datetime:
        return convert.to_datetime(convert.to_date(self.input_date))


class DatetimeToDate(MomentNode):
    """The date of a date and time."""

    async def process(self, context: ProcessingContext) -> date:
        return self.moment.date()


class AddTimeDelta(MomentNode):
    """A date and time some days, hours and minutes later, or earlier where they are negative."""

    days: int = Field(default=0, ge=-3650, le=3650)
    hours: int = Field(default=0, ge=-24, le=24)
    minutes: int = Field(default=0, ge=-60, le=60)

    async def process(self, context: ProcessingContext) -> datetime:
        return later(self.moment, timedelta(days=self.days, hours=self.hours, minutes=self.minutes))


class DateDifference(DateNode):
    """The time from one date and time to another. Where the second is earlier, days are below 0 and the other
    parts are counted forward from there: an hour back is -1 day and 23 hours.
    """

    start_date: Datetime = NO_DATETIME
    end_date: Datetime = NO_DATETIME

    class OutputType(TypedDict):
        total_seconds: int
        days: int
        hours: int
        minutes: int
        seconds: int

    async def process(self, context: ProcessingContext) -> OutputType:
        change = aware(self.end_date) - aware(self.start_date)
        minutes, seconds = divmod(change.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return {
            "total_seconds": int(change.total_seconds()),
            "days": change.days,
            "hours": hours,
            "minutes": minutes,
            "seconds": seconds,
        }


class DateRange(DateNode):
    """The dates from one to another, both included, in steps of some days."""

    start_date: Datetime = NO_DATETIME
    end_date: Datetime = NO_DATETIME
    step_days: int = Field(default=1, description="At least 1.")

    async def process(self, context: ProcessingContext) -> Datetimes:
        start, end = aware(self.start_date), aware(self.end_date)
        if self.step_days < 1:
            raise ValueError(f"step_days must be at least 1, found {self.step_days}")
        count = (end - start).days // self.step_days + 1
        if count > MAX_DATES:
            raise ValueError(f"the range has {count:,} dates; at most {MAX_DATES:,} are allowed")
        return [start + timedelta(days=number * self.step_days) for number in range(count)]


class IsDateInRange(DateNode):
    """Whether a date and time lies between two others."""

    check_date: Datetime = NO_DATETIME
    start_date: Datetime = NO_DATETIME
    end_date: Datetime = NO_DATETIME
    inclusive: bool = Field(default=True, description="Whether the two count as within.")

    async def process(self, context: ProcessingContext) -> bool:
        start, value, end = map(aware, (self.start_date, self.check_date, self.end_date))
        return start <= value <= end if self.inclusive else start < value < end


class GetQuarter(MomentNode):
    """The quarter of the year, from 1 to 4, with the first moments of its first and last day, in UTC."""

    class OutputType(TypedDict):
        quarter: int
        quarter_start: Datetime
        quarter_end: Datetime

    async def process(self, context: ProcessingContext) -> OutputType:
        moment = self.moment
        quarter = (moment.month - 1) // 3 + 1
        month = quarter * 3
        start = datetime(moment.year, month - 2, 1, tzinfo=UTC)
        end = start.replace(month=month, day=calendar.monthrange(moment.year, month)[1])
        return {"quarter": quarter, "quarter_start": start, "quarter_end": end}


class GetWeekday(MomentNode):
    """The day of the week, by its English name or as a number from 0, which is Monday."""

    as_name: bool = True

    async def process(self, context: ProcessingContext) -> str | int:
        number = self.moment.weekday()
        return DAYS[number] if self.as_name else number


class BoundaryTime(MomentNode):
    """The first or the last moment of the day, week, month or year of a date and time."""

    period: Literal["day", "week", "month", "year"] = "day"
    boundary: Literal["start", "end"] = "start"
    start_monday: bool = Field(default=True, description="Whether weeks begin on Monday, or on Sunday.")

    async def process(self, context: ProcessingContext) -> datetime:
        start = midnight(self.moment)
        if self.period == "week":
            start = later(start, timedelta(days=-((start.weekday() + (not self.start_monday)) % 7)))
        elif self.period != "day":
            start = start.replace(day=1, month=1 if self.period == "year" else start.month)
        if self.boundary == "start":
            return start
        days = {"day": 1, "week": 7}.get(self.period)
        if days:
            return last(later(start, timedelta(days=days)))
        return last(plus_months(start, 1 if self.period == "month" else 12))


class RelativeTime(DateNode):
    """The date and time that is some hours, days or months from now."""

    amount: int = Field(default=1, ge=0)
    unit: Literal["hours", "days", "months"] = "days"
    direction: Literal["past", "future"] = "future"

    async def process(self, context: ProcessingContext) -> datetime:
        amount = self.amount if self.direction == "future" else -self.amount
        now = datetime.now().astimezone()
        if self.unit == "months":
            return plus_months(now, amount)
        try:
            change = timedelta(**{self.unit: amount})
        except OverflowError:
            raise ValueError(f"{self.amount} {self.unit} lead out of the years 1 to 9999") from None
        return later(now, change)


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def aware(value: Any) -> datetime:
    """The date and time with its zone; ValueError where none is connected."""
    moment = convert.to_datetime(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read(text: str, form: str) -> datetime:
    """The date and time in a text; ValueError where it isn't written so."""
    try:
        return aware(datetime.strptime(text.strip(), form))  # noqa: DTZ007 - aware() adds what is missing
    except (ValueError, OverflowError):
        raise ValueError(f"{shortened(text)} is no date that is written as {form}") from None


def midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def later(moment: datetime, change: timedelta) -> datetime:
    """The moment, changed; ValueError outside of the years 1 to 9999."""
    try:
        return moment + change
    except OverflowError:
        raise ValueError(f"{change} from {moment:%Y-%m-%d} leads out of the years 1 to 9999") from None


def last(following: datetime) -> datetime:
    """The last moment before ``following``."""
    return following - timedelta(microseconds=1)


def plus_months(moment: datetime, months: int) -> datetime:
    """The same day of another month, or the last of a month that has no such day."""
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    if not 1 <= year <= 9999:
        raise ValueError(f"{months} months from {moment:%Y-%m-%d} lead out of the years 1 to 9999")
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
