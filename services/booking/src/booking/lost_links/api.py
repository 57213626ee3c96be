"""The HTTP door for who has lost the link to their appointment."""

from fastapi import APIRouter
from pydantic import BaseModel

from booking.access import TheDatabase, TheDependencies, TheOffice
from booking.limits.http import LIMITED, TheVisitor
from booking.lost_links import usecases
from booking.lost_links.model import Reference
from booking.lost_links.store import Asked
from chassis.http import Body, Now
from chassis.idempotency import IdempotencyKey, once
from contracts.people import PersonEmail

router = APIRouter(tags=["lost links"])


class LinkRequest(Body):
    """Which appointment, and the address under which it was booked."""

    reference: Reference
    email: PersonEmail


class Heard(BaseModel):
    """It was heard; whether there is such an appointment is nobody's business but the mailbox's."""


@router.post("/offices/{office}/lost-links", status_code=202, responses=LIMITED)
async def ask(
    deps: TheDependencies,
    bookable: TheOffice,
    database: TheDatabase,
    now: Now,
    key: IdempotencyKey,
    visitor: TheVisitor,
    body: LinkRequest,
) -> Heard:
    """Mail me the link anew, to the address on record. The answer is the same if there is no such appointment."""
    office = bookable.office.slug
    async with visitor.passing(office, "lost_link", key, email=body.email) as passed, database.transaction() as tx:

        async def act() -> Heard:
            await passed.spend(tx)
            await usecases.ask(deps, tx, office, Asked(body.reference, body.email), now)
            return Heard()

        scope = f"lost-link:{office}"
        return await once(tx, scope=scope, key=key, request=body, now=now, answer=Heard, act=act)
