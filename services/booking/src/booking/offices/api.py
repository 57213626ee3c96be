"""The HTTP door to what offices offer."""

from fastapi import APIRouter

from booking.access import TheDependencies, TheOffice
from booking.offices.views import OfficeSummary, OfficeView
from booking.timetable import store as timetables
from chassis.http import Now, Tx

router = APIRouter(prefix="/offices", tags=["offices"])


@router.get("")
async def list_offices(deps: TheDependencies) -> list[OfficeSummary]:
    """All offices of this installation."""
    return [OfficeSummary(slug=slug, name=bookable.office.name) for slug, bookable in deps.offices.items()]


@router.get("/{office}")
async def get_office(bookable: TheOffice, tx: Tx, now: Now) -> OfficeView:
    """An office: how to reach it, when it is open, which services it offers."""
    _, timetable = await timetables.timetable_of(tx, bookable.office)
    return OfficeView.of(bookable, timetable, now)
