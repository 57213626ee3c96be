"""All SQL of appointments. A query names the office; a citizen finds only the appointment that their token names."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
from sqlmodel import col, not_, or_, select

from booking.appointments.lane_sql import BOOK, BOOK_AT_ONCE, BOOK_OR_KEPT, MOVE, MOVE_OR_KEPT, OPEN
from booking.appointments.model import HERE_AT_MOST, LAPSES_AFTER, State
from booking.appointments.orders import Granted
from booking.personal_data import REGISTRY
from booking.slots.model import Slot
from booking.tables import Appointment
from chassis.database import Row, Transaction
from chassis.outbox import OutboxRow
from contracts.actors import Citizen
from contracts.ids import AppointmentId

#: "lost": somebody took the lane in the meantime; ask again. "stale": the timetable was edited; reckon again.
Outcome = Literal["booked", "taken", "lost", "stale"]

# An UPDATE cannot step back from a conflict as ON CONFLICT does, so those who move are let through one by one: two that
# wait for each other's rows would be a deadlock. IS NOT DISTINCT FROM no index can answer, so the id finds the row.
_ONE_MOVE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtextextended('booking-move:' || :office, 0))"


@dataclass(frozen=True)
class Place:
    """Where an appointment may go: its time, when the lane is free again, and the lanes that come into question.

    `own`: the lane that the citizen holds, which is preferred. `freed`: a slot that was given back and is kept for this
    one. `kept`: any that is not public yet, unless it is offered to somebody. `version`: the timetable by which `lanes`
    were reckoned.
    """

    slot: Slot
    busy_until: datetime
    lanes: Collection[int]
    version: int
    own: int | None = None
    freed: UUID | None = None
    kept: bool = False

    def parameters(self) -> dict[str, object]:
        """For `_CHOICE`."""
        return {
            "starts_at": self.slot.starts_at,
            "ends_at": self.slot.ends_at,
            "busy_until": self.busy_until,
            "lanes": f"{{{','.join(map(str, self.lanes))}}}",  # text: an array costs the driver 20 times as much
            "version": self.version,
            "own": self.own,
            "freed": self.freed,
        }


async def book(tx: Transaction, granted: Granted, place: Place, *, actor: str, now: datetime) -> Outcome:
    """Stores the appointment that is granted, and the event that tells of it or asks about its address; or neither."""
    row, parameters = _parameters(tx, granted, place, actor, now)
    outcome = await tx.row(BOOK_OR_KEPT if place.kept else BOOK, **parameters)
    assert outcome is not None, "a SELECT without FROM has one row"
    if outcome["booked"]:
        tx.inserted(row)
        return "booked"
    return _refusal(outcome)


async def book_at_once(
    tx: Transaction,
    granted: Granted,
    place: Place,
    kept: Mapping[str, object],
    *,
    max_open: int,
    actor: str,
    now: datetime,
) -> Outcome | None:
    """As `book`, with the answer that is `kept` for a repetition.

    None, with nothing done, if the answer's key was used before or `max_open` appointments are open under the address.
    """
    row, parameters = _parameters(tx, granted, place, actor, now)
    try:
        outcome = await tx.row(BOOK_AT_ONCE, **parameters, **kept, max_open=max_open)
    except asyncpg.UniqueViolationError:  # of the key: the same request, at the same time
        return None
    assert outcome is not None, "a SELECT without FROM has one row"
    if outcome["booked"]:
        tx.inserted(row)
        return "booked"
    if outcome["repeated"] or not outcome["allowed"]:
        return None
    return _refusal(outcome)


def _refusal(outcome: Row) -> Outcome:
    if not outcome["current"]:
        return "stale"
    return "lost" if outcome["tried"] else "taken"


def _parameters(
    tx: Transaction, granted: Granted, place: Place, actor: str, now: datetime
) -> tuple[OutboxRow, dict[str, Any]]:
    event, asked = granted.event, granted.asked
    row, meta = tx.outbox_row(asked or event, actor=actor)
    return row, dict(
        **row,
        **place.parameters(),
        id=event.appointment_id,
        office=event.office,
        reference=event.reference,
        services=json.dumps([service.model_dump() for service in event.services]),
        name=event.citizen.name,
        email=event.citizen.email,
        phone=event.citizen.phone,
        language=event.citizen.language,
        time_zone=event.citizen.time_zone,
        plain_language=event.citizen.plain_language,
        needs=json.dumps(event.needs),
        channel=event.channel,
        link_generation=event.link_generation,
        confirm_by=asked.expires_at if asked else None,
        confirm_question=meta.id if asked else None,
        now=now,
    )


async def move(
    tx: Transaction, office: str, appointment: AppointmentId, place: Place, *, new_link: bool, now: datetime
) -> int | None:
    """Moves a booked appointment to `place`; its lane there, or None if there is no room (or the timetable is another).

    With `new_link` the old link is dead. The caller holds the appointment's row.
    """
    await tx.execute(_ONE_MOVE_AT_A_TIME, office=office)
    try:
        async with tx.savepoint():
            row = await tx.row(
                MOVE_OR_KEPT if place.kept else MOVE,
                **place.parameters(),
                id=appointment,
                office=office,
                generations=1 if new_link else 0,
                now=now,
            )
    except asyncpg.ExclusionViolationError:
        return None  # somebody booked the lane between the look and the move; the caller looks again
    return None if row is None else int(row["lane"])


async def appointment_of(tx: Transaction, citizen: Citizen, *, lock: bool = False) -> Appointment | None:
    """The appointment that the citizen's link names. `lock`: nobody else changes it until this transaction ends."""
    return await appointment(tx, citizen.office, citizen.sub, lock=lock)


async def appointment(
    tx: Transaction, office: str, appointment_id: AppointmentId, *, lock: bool = False
) -> Appointment | None:
    """An appointment of `office`, which stands. `lock`: nobody else changes it until this transaction ends."""
    query = select(Appointment).where(
        Appointment.id == appointment_id, Appointment.office == office, col(Appointment.confirm_by).is_(None)
    )
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await tx.session.exec(query)).first()


async def open_under(tx: Transaction, office: str, email: str, now: datetime) -> int:
    """How many appointments to come `office` has under an e-mail address, whatever its capitals."""
    row = await tx.row(f"SELECT ({OPEN}) AS open", office=office, email=email, now=now)
    assert row is not None, "an aggregate has one row"
    return int(row["open"])


async def resume(tx: Transaction, office: str, appointment: AppointmentId, at: datetime) -> bool:
    """Takes a no-show back; False if the time is somebody else's by now: then the appointment has none any more.

    The caller holds the appointment's row.
    """
    await tx.execute(_ONE_MOVE_AT_A_TIME, office=office)
    for state in ("booked", "lapsed"):
        try:
            async with tx.savepoint():
                await tx.execute(
                    """
                    UPDATE appointment SET state = :state, changed_at = :at, resumed_at = :at
                     WHERE id = :id AND office = :office AND state = 'no_show'
                    """,
                    id=appointment,
                    office=office,
                    state=state,
                    at=at,
                )
        except asyncpg.ExclusionViolationError:
            continue
        return state == "booked"
    raise AssertionError("what has lapsed takes nobody's time")


async def finish(tx: Transaction, office: str, appointment: AppointmentId, state: State, now: datetime) -> bool:
    """Ends an appointment that nobody has ended in `state`; False if there is none (cancelled, ended, or erased).

    Whoever was said not to have come may have come all the same: what was completed was not missed.
    """
    changed = await tx.execute(
        """
        UPDATE appointment SET state = :state, changed_at = :now
         WHERE id = :id AND office = :office
           AND (state IN ('booked', 'lapsed') OR (state = 'no_show' AND CAST(:state AS varchar) = 'completed'))
        """,
        id=appointment,
        office=office,
        state=state,
        now=now,
    )
    return changed == 1


async def lapse(tx: Transaction, office: str, now: datetime, *, limit: int) -> int:
    """Lets up to `limit` appointments of `office` lapse, as `model.lapses` says; how many. Several processes may."""
    return await tx.execute(
        """
        UPDATE appointment SET state = 'lapsed', changed_at = :now
         WHERE id IN (
            SELECT id FROM appointment
             WHERE office = :office AND state = 'booked' AND ends_at <= :over
               AND (NOT citizen_here OR ends_at <= :long_over)
             LIMIT :limit FOR UPDATE SKIP LOCKED)
        """,
        office=office,
        over=now - LAPSES_AFTER,
        long_over=now - HERE_AT_MOST,
        now=now,
        limit=limit,
    )


async def strayed(tx: Transaction, office: str, now: datetime, *, limit: int) -> Sequence[Appointment]:
    """Appointments of `office` whose link is to be replaced, now that they are over and nobody is there by it."""
    query = (
        select(Appointment)
        .where(
            Appointment.office == office,
            col(Appointment.renew_link_at) <= now,
            col(Appointment.erased_at).is_(None),
            col(Appointment.state).not_in(("booked", "cancelled")),
            or_(not_(col(Appointment.citizen_here)), col(Appointment.ends_at) <= now - HERE_AT_MOST),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await tx.session.exec(query)).all()


async def citizen_seen(tx: Transaction, office: str, appointment: AppointmentId, at: datetime, *, here: bool) -> None:
    """Notes whether the citizen is in the room, as of `at`. Reports arrive in any order: an older one says nothing."""
    await tx.execute(
        """
        UPDATE appointment SET citizen_here = :here, citizen_seen_at = :at
         WHERE id = :id AND office = :office AND erased_at IS NULL
           AND (citizen_seen_at IS NULL OR citizen_seen_at <= :at)
        """,
        id=appointment,
        office=office,
        here=here,
        at=at,
    )


async def call_began(tx: Transaction, office: str, appointment: AppointmentId, at: datetime) -> None:
    """Notes when both were in the call first, for the statistics of waiting."""
    await tx.execute(
        """
        UPDATE appointment SET call_started_at = least(call_started_at, CAST(:at AS timestamptz))
         WHERE id = :id AND office = :office
        """,
        id=appointment,
        office=office,
        at=at,
    )


async def call_took(tx: Transaction, office: str, appointment: AppointmentId, seconds: int) -> None:
    """Adds to how long the two talked: a call that broke off and went on is one talk."""
    await tx.execute(
        """
        UPDATE appointment SET talk_seconds = coalesce(talk_seconds, 0) + :seconds
         WHERE id = :id AND office = :office
        """,
        id=appointment,
        office=office,
        seconds=seconds,
    )


async def erase(tx: Transaction, appointments: Sequence[UUID], now: datetime) -> int:
    """Takes everything personal out of appointments; what statistics need (times, services, outcome) stays."""
    await tx.execute(
        """
        DELETE FROM link_request USING appointment
         WHERE (link_request.office, link_request.reference) = (appointment.office, appointment.reference)
           AND appointment.id = ANY (CAST(:ids AS uuid[]))
        """,
        ids=list(appointments),
    )
    return await tx.execute(
        f"""
        UPDATE appointment
           SET {REGISTRY["appointment"].emptied()}, erased_at = :now,
               state = CASE state WHEN 'booked' THEN 'lapsed' ELSE state END
         WHERE id = ANY (CAST(:ids AS uuid[])) AND erased_at IS NULL
        """,  # noqa: S608 - constants of ours
        ids=list(appointments),
        now=now,
    )
