"""The HTTP door: parse, call a use case, serialise. Whoever acts on an appointment shows its link's token."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request

from booking import offers, usecases
from booking.model import Slot
from booking.offers import Offer
from booking.usecases import Desk, Order
from booking.views import (
    MAX_SERVICES,
    AppointmentRequest,
    AppointmentView,
    BookedView,
    HoldRequest,
    HoldView,
    OfficeSummary,
    OfficeView,
    SlotsView,
)
from chassis.database import Database
from chassis.http import Now, Tx, bearer
from chassis.idempotency import IdempotencyKey, once
from contracts.actors import Citizen
from contracts.booking import CitizenContact
from contracts.ids import ServiceId

router = APIRouter()

# Dependencies are coroutines even where they wait for nothing: FastAPI would send others through a thread.


async def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


TheDesk = Annotated[Desk, Depends(_desk)]
TheDatabase = Annotated[Database, Depends(_database)]


async def _offer(office: str, desk: TheDesk) -> Offer:
    return offers.find(desk.offers, office)


TheOffer = Annotated[Offer, Depends(_offer)]
TheCitizen = Annotated[Citizen, Depends(bearer(Citizen))]


@router.get("/offices")
async def list_offices(desk: TheDesk) -> list[OfficeSummary]:
    """All offices of this installation."""
    return [OfficeSummary(slug=slug, name=offer.office.name) for slug, offer in desk.offers.items()]


@router.get("/offices/{office}")
async def get_office(offer: TheOffer, now: Now) -> OfficeView:
    """An office: how to reach it, when it is open, which services it offers."""
    return OfficeView.of(offer, now)


@router.get("/offices/{office}/slots")
async def list_slots(
    desk: TheDesk,
    offer: TheOffer,
    tx: Tx,
    now: Now,
    services: Annotated[list[ServiceId], Query(min_length=1, max_length=MAX_SERVICES)],
    first: Annotated[date | None, Query(alias="from", description="A day of the office; today if left out.")] = None,
    last: Annotated[date | None, Query(alias="to", description="Included; the same day if left out.")] = None,
    hold: Annotated[UUID | None, Query(description="The citizen's own hold, which is not shown as taken.")] = None,
) -> SlotsView:
    """Free slots for all `services` in one appointment."""
    length = offer.length(services)
    first = first or offer.schedule.today(now)
    slots = await usecases.free_slots(desk, tx, offer, length, (first, last or first), own_hold=hold, now=now)
    return SlotsView.of(offer, int(length.total_seconds()) // 60, slots)


@router.post("/offices/{office}/holds", status_code=201)
async def place_hold(desk: TheDesk, offer: TheOffer, database: TheDatabase, now: Now, body: HoldRequest) -> HoldView:
    """Keep a slot for five minutes while the citizen types. Safe to repeat with the same `hold_id`."""
    return HoldView.of(
        await usecases.hold(desk, database, offer, body.services, body.starts_at, hold_id=body.hold_id, now=now)
    )


@router.post("/offices/{office}/holds/{hold_id}/extension")
async def extend_hold(desk: TheDesk, offer: TheOffer, hold_id: UUID, now: Now) -> HoldView:
    """Keep it for five more minutes from now, twenty in all at most."""
    return HoldView.of(await usecases.extend_hold(desk, offer, hold_id, now))


@router.delete("/offices/{office}/holds/{hold_id}", status_code=204)
async def release_hold(desk: TheDesk, offer: TheOffer, hold_id: UUID) -> None:
    """Give the slot back."""
    await usecases.release_hold(desk, offer, hold_id)


@router.post("/offices/{office}/appointments", status_code=201)
async def book(
    desk: TheDesk,
    offer: TheOffer,
    tx: Tx,
    now: Now,
    key: IdempotencyKey,
    body: AppointmentRequest,
    background: BackgroundTasks,
) -> BookedView:
    """Book. Repeating the request with its Idempotency-Key repeats the answer. 409 `slot_taken` names alternatives."""
    citizen = CitizenContact(name=body.name, email=body.email, language=body.language, time_zone=body.time_zone)
    services = tuple(service.booked() for service in body.services)
    order = Order(services=services, starts_at=body.starts_at, citizen=citizen, hold_id=body.hold_id)
    length = offer.length([service.service_id for service in services])
    # Redis is asked before the transaction has a connection: a slow Redis must not keep the database waiting.
    holds = await usecases.holds_at(desk, offer, Slot(order.starts_at, order.starts_at + length))

    async def act() -> BookedView:
        return BookedView.of(await usecases.book(desk, tx, offer, order, holds, now))

    booked = await once(
        tx, scope=f"book:{offer.office.slug}", key=key, request=body, now=now, answer=BookedView, act=act
    )
    if body.hold_id:
        background.add_task(usecases.release_hold, desk, offer, body.hold_id)
    return booked


@router.get("/appointment")
async def get_appointment(desk: TheDesk, tx: Tx, now: Now, citizen: TheCitizen) -> AppointmentView:
    """The appointment that the link leads to. Looking changes nothing."""
    appointment = await usecases.appointment_of(tx, citizen)
    return AppointmentView.of(appointment, offers.find(desk.offers, appointment.office), now)


@router.post("/appointment/cancellation")
async def cancel(desk: TheDesk, tx: Tx, now: Now, citizen: TheCitizen) -> AppointmentView:
    """Cancel. The slot is free again and the link dead: 410 `link_expired` from now on."""
    appointment = await usecases.cancel(tx, citizen, now)
    return AppointmentView.of(appointment, offers.find(desk.offers, appointment.office), now)
