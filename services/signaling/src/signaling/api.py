"""HTTP door: tickets for the WebSocket (conversation.py), and what the technical check found."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Security, WebSocket
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from redis.exceptions import RedisError

from chassis.http import Body, Now, Tx, bearer
from chassis.problems import Unauthenticated
from contracts.actors import Citizen, Clerk
from contracts.ids import AppointmentId
from contracts.offices import Offices
from contracts.signaling import CheckFinished
from signaling import tickets, usecases
from signaling.conversation import Door
from signaling.model import Unavailable
from signaling.protocol import IceServer, Role
from signaling.turn import ice_servers

_CITIZEN = bearer(Citizen)


class _AccessToken(Clerk):
    """A clerk's token, with the sign-in that it belongs to."""

    sid: UUID | None = None


_CLERK = bearer(_AccessToken)

Credentials = HTTPAuthorizationCredentials | None


async def _person(
    request: Request,
    now: Now,
    citizen: Annotated[Credentials, Security(HTTPBearer(auto_error=False, scheme_name=Citizen.AUDIENCE))],
    clerk: Annotated[Credentials, Security(HTTPBearer(auto_error=False, scheme_name=Clerk.AUDIENCE))],
) -> Citizen | _AccessToken:
    """Whoever asks: both kinds of token are good here."""
    try:
        return await _CITIZEN(request, now, citizen)
    except Unauthenticated:
        return await _CLERK(request, now, clerk)


class TicketRequest(Body):
    """A clerk names an appointment, or asks for the lobby; a citizen's token names the appointment already."""

    appointment_id: AppointmentId | None = None
    lobby: bool = False


class Ticket(BaseModel):
    """Good for one `hello`, until `expires_at`; with the TURN credentials of this session."""

    ticket: str
    expires_at: datetime
    role: Role
    ice_servers: list[IceServer]


class CheckResult(Body):
    """What the browser found out about camera, microphone and network."""

    outcome: Literal["good", "limited", "failed"]
    rtt_ms: int | None = Field(ge=0, le=60_000)
    camera: bool
    microphone: bool
    network: bool


def router(door: Door, offices: Offices) -> APIRouter:
    """The service's routes."""
    routes = APIRouter()

    @routes.post("/tickets", status_code=201, response_model_exclude_none=True)
    async def issue_ticket(
        body: TicketRequest, now: Now, person: Annotated[Citizen | _AccessToken, Depends(_person)]
    ) -> Ticket:
        """A join ticket for the room (or a clerk's lobby)."""
        session = secrets.token_hex(8)
        # A transaction of its own: none stays open while Redis is asked.
        async with door.transactions() as tx:
            if isinstance(person, Citizen):
                office = offices.get(person.office)
                early = timedelta(minutes=office.booking.join_early_minutes if office else 0)
                claim = await usecases.claim_of_citizen(tx, person, now=now, join_early=early, session=session)
            else:
                claim = await usecases.claim_of_clerk(
                    tx, person, body.appointment_id, lobby=body.lobby, session=session
                )
                claim = claim.model_copy(update={"sign_in": person.sid})
        try:
            if claim.sign_in and await door.hub.sign_ins.ended([claim.sign_in]):
                raise Unauthenticated("You are signed out. Please sign in again.")
            ticket = await door.tickets.issue(claim)
        except RedisError as error:
            raise Unavailable("Please try again in a moment.", headers={"Retry-After": "2"}) from error
        return Ticket(
            ticket=ticket,
            expires_at=tickets.expires_at(now),
            role="citizen" if claim.role == "citizen" else "clerk",
            ice_servers=ice_servers(door.settings.turn_urls, door.settings.turn_key, session, now),
        )

    @routes.post("/check/results", status_code=204)
    async def report_check(body: CheckResult, tx: Tx, now: Now, citizen: Annotated[Citizen, Depends(_CITIZEN)]) -> None:
        """Tell the office what the technical check found."""
        finding = CheckFinished(office=citizen.office, appointment_id=citizen.sub, at=now, **body.model_dump())
        await usecases.report_check(tx, citizen, finding)

    @routes.websocket("/ws")
    async def signaling(socket: WebSocket) -> None:
        await door.serve(socket)

    return routes
