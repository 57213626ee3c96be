"""What can happen to a room: one function, one transaction. Redis and sockets are told afterwards, by the callers."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from chassis.database import Transaction
from chassis.problems import InvalidRequest, NotFound
from contracts import signaling as events
from contracts.actors import Citizen, Clerk
from contracts.booking import BookingContactChanged, BookingRescheduled
from contracts.ids import AppointmentId, ClerkId
from signaling import store
from signaling.metrics import WAIT_SECONDS
from signaling.model import Ending, NobodyWaiting, Room, RoomNotReady
from signaling.protocol import Role
from signaling.tickets import Claim


async def claim_of_citizen(
    tx: Transaction, citizen: Citizen, *, now: datetime, join_early: timedelta, session: str
) -> Claim:
    """What a ticket for the holder of a link stands for.

    Raises RoomNotReady (503: the link is genuine, but booking's event is still on its way), LinkExpired,
    RoomClosed, and TooEarly before the office's waiting room opens.
    """
    room = await store.room(tx, citizen.sub, citizen.office)
    if room is None:
        raise RoomNotReady("Please try again in a second.", headers={"Retry-After": "1"})
    room.require_link(citizen.gen)
    room.require_open()
    room.require_begun(now, join_early)
    return Claim(
        role="citizen",
        office=citizen.office,
        appointment_id=citizen.sub,
        clerk_id=None,
        generation=citizen.gen,
        session=session,
    )


async def claim_of_clerk(
    tx: Transaction, clerk: Clerk, appointment_id: UUID | None, *, lobby: bool, session: str
) -> Claim:
    """What a clerk's ticket stands for: a room of their office, or the office's lobby.

    Raises InvalidRequest when not exactly one is asked for, NotFound for a room that their office does not have,
    RoomClosed or LinkExpired for one that is over.
    """
    if lobby == (appointment_id is not None):
        raise InvalidRequest("Name an appointment_id, or ask for the waiting room.")
    if appointment_id is not None:
        room = await store.room(tx, appointment_id, clerk.office)
        if room is None:
            raise NotFound("Your office has no such appointment.")
        room.require_open()
    return Claim(
        role="lobby" if appointment_id is None else "clerk",
        office=clerk.office,
        appointment_id=appointment_id,
        clerk_id=clerk.sub,
        generation=None,
        session=session,
    )


async def join(tx: Transaction, claim: Claim, *, now: datetime) -> Room:
    """Somebody with a redeemed ticket enters. Publishes ParticipantWaiting, unless it is a reconnect within the grace,
    and CallStarted when both are admitted and together again.

    The room is looked at again: it may have closed since the ticket was issued. Raises NotFound, LinkExpired or
    RoomClosed.
    """
    assert claim.appointment_id is not None
    assert claim.role != "lobby"
    room = await store.room(tx, claim.appointment_id, claim.office, lock=True)
    if room is None:
        raise NotFound("There is no such appointment.")
    room.require_open()
    if claim.generation is not None:
        room.require_link(claim.generation)
    if await store.enter(tx, room.appointment_id, claim.role, room.office, claim.clerk_id, now):
        await tx.publish(
            events.ParticipantWaiting(
                office=room.office, appointment_id=AppointmentId(room.appointment_id), role=claim.role, since=now
            ),
            actor=claim.actor,
        )
        # The picture goes on while signaling is away for long; coming back, browsers need no new offer that would tell.
        await start_call(tx, room.appointment_id, room.office, at=now)
    return room


async def depart(tx: Transaction, appointment_id: UUID, office: str, role: Role, *, at: datetime) -> bool:
    """Somebody is gone since `at`, for longer than a reconnect takes, or said goodbye: a running call is over.

    Publishes CallEnded and ParticipantLeft; False when the departure was told before.
    """
    if await store.room(tx, appointment_id, office, lock=True) is None:
        return False
    if not await store.remove(tx, appointment_id, role):
        return False
    await _end_call(tx, appointment_id, office, at)
    await _publish_left(tx, appointment_id, office, role, at)
    return True


async def admit(tx: Transaction, appointment_id: UUID, office: str, clerk_id: UUID, *, now: datetime) -> None:
    """The clerk lets the citizen in; doing it again changes nothing. Publishes Admitted.

    Raises NobodyWaiting when no citizen is there, LinkExpired or RoomClosed when the room is over.
    """
    room = await _locked(tx, appointment_id, office)
    since = await store.present_since(tx, appointment_id, "citizen")
    if since is None:
        raise NobodyWaiting()
    if await store.set_admitted(tx, room.appointment_id, now):
        waited = WAIT_SECONDS.labels(office)
        tx.after_commit(partial(waited.observe, max(0.0, (now - since).total_seconds())))
        await tx.publish(
            events.Admitted(
                office=office, appointment_id=AppointmentId(appointment_id), clerk_id=ClerkId(clerk_id), at=now
            ),
            actor=f"clerk:{clerk_id}",
        )


async def dismiss(tx: Transaction, appointment_id: UUID, office: str, clerk_id: UUID, *, now: datetime) -> None:
    """The clerk sends the citizen back to the waiting room. Publishes CallEnded, and ParticipantWaiting if present."""
    room = await _locked(tx, appointment_id, office)
    if not await store.set_admitted(tx, room.appointment_id, None):
        return
    await _end_call(tx, appointment_id, office, now)
    if await store.present_since(tx, appointment_id, "citizen"):
        await tx.publish(
            events.ParticipantWaiting(
                office=office, appointment_id=AppointmentId(appointment_id), role="citizen", since=now
            ),
            actor=f"clerk:{clerk_id}",
        )


async def start_call(tx: Transaction, appointment_id: UUID, office: str, *, at: datetime) -> bool:
    """Both are admitted, and the answer to an offer went through: they are connected. Publishes CallStarted, once."""
    room = await store.room(tx, appointment_id, office, lock=True)
    if room is None or not room.admitted or not await store.start_call(tx, appointment_id, office, at):
        return False
    await tx.publish(events.CallStarted(office=office, appointment_id=AppointmentId(appointment_id), started_at=at))
    return True


async def renew_link(tx: Transaction, event: BookingRescheduled | BookingContactChanged, *, now: datetime) -> bool:
    """The appointment has another link, perhaps another time. False when one as new is known: events overtake others.

    A call by the old link is over and its citizen has left: publishes CallEnded and ParticipantLeft. A room that is
    closed stays closed.
    """
    appointment_id, office = event.appointment_id, event.office
    if not await store.open_room(tx, appointment_id, office, event.starts_at, event.ends_at, event.link_generation):
        return False
    await store.set_admitted(tx, appointment_id, None)
    await _end_call(tx, appointment_id, office, now)
    for role in await store.remove(tx, appointment_id, "citizen"):
        await _publish_left(tx, appointment_id, office, role, now)
    return True


async def end_room(tx: Transaction, appointment_id: UUID, office: str, ending: Ending, *, now: datetime) -> None:
    """The matter is over, whoever is still there: nobody comes in again. Publishes what ends with it."""
    if ending == "cancelled" or await store.close_room(tx, appointment_id, office, ending):
        await _end_call(tx, appointment_id, office, now)
        for role in await store.remove(tx, appointment_id):
            await _publish_left(tx, appointment_id, office, role, now)


async def report_check(tx: Transaction, citizen: Citizen, finding: events.CheckFinished) -> None:
    """The citizen's browser tells what its technical check found; the clerk sees it in the agenda."""
    room = await store.room(tx, citizen.sub, citizen.office)
    if room is None:
        raise RoomNotReady("Please try again in a second.", headers={"Retry-After": "1"})
    room.require_link(citizen.gen)
    await tx.publish(finding, actor=citizen.name)


async def _locked(tx: Transaction, appointment_id: UUID, office: str) -> Room:
    room = await store.room(tx, appointment_id, office, lock=True)
    if room is None:
        raise NotFound("Your office has no such appointment.")
    room.require_open()
    return room


async def _end_call(tx: Transaction, appointment_id: UUID, office: str, at: datetime) -> None:
    ended = await store.end_call(tx, appointment_id, at)
    if ended is None:
        return
    started_at, ended_at = ended
    await tx.publish(
        events.CallEnded(
            office=office,
            appointment_id=AppointmentId(appointment_id),
            ended_at=ended_at,
            seconds=int((ended_at - started_at).total_seconds()),
        )
    )


async def _publish_left(tx: Transaction, appointment_id: UUID, office: str, role: Role, at: datetime) -> None:
    await tx.publish(
        events.ParticipantLeft(office=office, appointment_id=AppointmentId(appointment_id), role=role, at=at)
    )
