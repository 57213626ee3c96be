"""The HTTP door to what offices offer."""

from fastapi import APIRouter

from booking.access import TheDesk, TheOffer
from booking.offers.views import OfficeSummary, OfficeView
from booking.timetable import store as timetables
from chassis.http import Now, Tx

router = APIRouter(prefix="/offices", tags=["offices"])


@router.get("")
async def list_offices(desk: TheDesk) -> list[OfficeSummary]:
    """All offices of this installation."""
    return [OfficeSummary(slug=slug, name=offer.office.name) for slug, offer in desk.offers.items()]


@router.get("/{office}")
async def get_office(offer: TheOffer, tx: Tx, now: Now) -> OfficeView:
    """An office: how to reach it, when it is open, which services it offers."""
    _, timetable = await timetables.timetable_of(tx, offer.office)
    return OfficeView.of(offer, timetable, now)
