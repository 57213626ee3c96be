"""The HTTP door before an appointment stands: for who has booked, and for who reads the mail that asks."""

from uuid import uuid4

from fastapi import APIRouter

from booking.access import TheAddressee, TheBooker, TheDatabase, TheDependencies
from booking.confirming import usecases
from booking.confirming.views import Asked, ConfirmationView, MailRequest, ReservationView
from booking.limits.http import LIMITED, TheVisitor
from booking.offices import model as offices
from chassis.http import Now, Tx
from chassis.idempotency import IdempotencyKey, once

router = APIRouter(tags=["confirming an address"])


@router.get("/reservation")
async def get_reservation(deps: TheDependencies, tx: Tx, now: Now, booker: TheBooker) -> ReservationView:
    """What I have booked, and whether the address is confirmed. 410 `not_confirmed_in_time`: the time is others'."""
    return ReservationView.of(await usecases.reservation_of(tx, booker, now), offices.find(deps.offices, booker.office))


@router.post("/reservation/mail", responses=LIMITED)
async def mail_again(
    deps: TheDependencies,
    database: TheDatabase,
    now: Now,
    booker: TheBooker,
    key: IdempotencyKey,
    visitor: TheVisitor,
    body: MailRequest,
) -> ReservationView:
    """Mail the question once more, or to another address; then the mail before is worth nothing. Each costs work."""
    async with database.transaction() as tx:
        email = body.email or (await usecases.reservation_of(tx, booker, now)).appointment.email
    async with (
        visitor.passing(booker.office, "confirmation", key, email=email, link=booker.sub) as passed,
        database.transaction() as tx,
    ):

        async def act() -> Asked:
            await passed.spend(tx)
            await usecases.ask_again(deps, tx, booker, body.email, now)
            return Asked()

        scope = f"confirm-mail:{booker.sub}"
        await once(tx, scope=scope, key=key, request=body, now=now, answer=Asked, act=act)
        # A kept answer would outlive what the clock frees, so a repetition tells how things stand now.
        found = await usecases.reservation_of(tx, booker, now)
        return ReservationView.of(found, offices.find(deps.offices, booker.office))


@router.get("/confirmation")
async def get_confirmation(deps: TheDependencies, tx: Tx, now: Now, addressee: TheAddressee) -> ConfirmationView:
    """What I am asked to confirm. Looking confirms nothing: mail scanners open links, too."""
    return ConfirmationView.of(
        await usecases.asked_of(tx, addressee, now), offices.find(deps.offices, addressee.office)
    )


@router.post("/confirmation", responses=LIMITED)
async def confirm(
    deps: TheDependencies, tx: Tx, now: Now, addressee: TheAddressee, visitor: TheVisitor
) -> ConfirmationView:
    """Yes, this is my address: the appointment stands. Repeating it changes nothing.

    410 `not_confirmed_in_time` once the time is free for others, `link_expired` when another address was given.
    """
    async with visitor.passing(addressee.office, "answer", uuid4().hex, link=addressee.sub) as passed:
        await passed.spend(tx)
        found = await usecases.confirm(deps, tx, addressee, now)
    return ConfirmationView.of(found, offices.find(deps.offices, addressee.office))
