"""What travels over HTTP about statistics."""

from datetime import date

from pydantic import BaseModel, Field


class Figures(BaseModel):
    """How one service (null: all together) was used. Rates are between 0 and 1, null where there is nothing to divide.

    `no_show_rate` is among appointments of which it is known whether somebody came. `utilisation` is the booked part of
    the time at which clerks were on duty and not blocked, by the timetable that held then; it is told for all services
    together.
    """

    service_id: str | None
    booked: int = Field(description="All appointments that were made for this time, cancelled ones included.")
    completed: int
    aborted: int
    cancelled: int
    no_show: int
    lapsed: int = Field(description="Of which nobody has said what became of them.")
    walk_ins: int
    no_show_rate: float | None
    lead_hours_median: float | None = Field(description="From booking to start, without walk-ins.")
    wait_seconds_median: float | None = Field(
        description="From the start, or for walk-ins from taking a number, to the call."
    )
    talk_seconds_median: float | None
    utilisation: float | None


class WeekFigures(Figures):
    """The figures of a week of the office, from Monday on."""

    monday: date


class StatisticsView(BaseModel):
    """Weeks in order, all services together before each; `totals` over the whole time."""

    weeks: list[WeekFigures]
    totals: list[Figures]
