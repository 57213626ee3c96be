"""The HTTP door to statistics: for leads."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from booking.access import OwnOffice, TheLead
from booking.fields import Day
from booking.statistics import csv, usecases
from booking.statistics.views import StatisticsView
from chassis.http import Now, Tx
from contracts.text import Language

router = APIRouter(prefix="/office", tags=["statistics"])

First = Annotated[Day | None, Query(alias="from", description="A day of the office; twelve weeks ago if left out.")]
Last = Annotated[Day | None, Query(alias="to", description="Included; the end of this week if left out.")]


@router.get("/statistics")
async def get_statistics(
    clerk: TheLead, bookable: OwnOffice, tx: Tx, now: Now, first: First = None, last: Last = None
) -> StatisticsView:
    """How the office was used, by week and service, over at most 53 weeks."""
    default_first, default_last = usecases.default_range(bookable, now)
    return await usecases.statistics(tx, bookable, first or default_first, last or default_last)


@router.get("/statistics.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def get_table(
    clerk: TheLead,
    bookable: OwnOffice,
    tx: Tx,
    now: Now,
    first: First = None,
    last: Last = None,
    language: Annotated[Language | None, Query(description="Of the head line; the office's own if left out.")] = None,
) -> Response:
    """The same as a table for spreadsheets (RFC 4180, UTF-8 with a byte order mark)."""
    default_first, default_last = usecases.default_range(bookable, now)
    days: tuple[date, date] = (first or default_first, last or default_last)
    found = await usecases.statistics(tx, bookable, *days)
    name = f"schalter-{bookable.office.slug}-{days[0]}-{days[1]}.csv"
    return Response(
        csv.table(found, bookable, language or bookable.office.languages[0]).encode(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
