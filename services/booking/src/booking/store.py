"""All SQL of the service. A query names the office, and a citizen finds only the appointment that their token names.

The statements on the hot path (free slots, booking) are plain SQL, one round trip each.
"""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal

from sqlmodel import select

from booking.model import Busy, State
from booking.tables import Appointment
from chassis.database import Transaction
from contracts.actors import Citizen
from contracts.booking import BookingCompleted
from contracts.ids import AppointmentId

#: "lost": somebody took the lane in the meantime; ask again.
Outcome = Literal["booked", "taken", "lost"]

# The range of `starts_at` is bounded on both sides, because no appointment is longer than eight hours (see
# appointment_length): what this costs depends on the days asked for, never on how many appointments there are.
# Three arrays in one row are decoded ten times as fast as a row per appointment.
BUSY: Final = """
    SELECT array_agg(lane) AS lanes,
           array_agg(CAST(extract(epoch FROM starts_at) AS bigint)) AS starts,
           array_agg(CAST(extract(epoch FROM ends_at) AS bigint)) AS ends
      FROM appointment
     WHERE office = :office AND state = 'booked'
       AND starts_at > CAST(:low AS timestamptz) - interval '8 hours' AND starts_at < :high AND ends_at > :low
"""

# One statement: a lane that looks free (the one that the citizen holds, else any), the appointment, its event. Should
# somebody take the lane in between, ON CONFLICT waits for their commit and inserts nothing, neither here nor there.
BOOK: Final = """
    WITH choice AS (
        SELECT lane
          FROM generate_series(0, CAST(:capacity AS int) - 1) AS lanes (lane)
         WHERE lane <> ALL (CAST(:held AS int[]))
           AND NOT EXISTS (
                   SELECT FROM appointment AS other
                    WHERE other.office = :office AND other.state = 'booked' AND other.lane = lanes.lane
                      AND other.starts_at > CAST(:starts_at AS timestamptz) - interval '8 hours'
                      AND other.starts_at < :ends_at AND other.ends_at > :starts_at)
         ORDER BY lane IS DISTINCT FROM CAST(:own AS int), random()
         LIMIT 1
    ), booked AS (
        INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                 language, time_zone, link_generation, booked_at, changed_at)
        SELECT :id, :office, :reference, lane, :starts_at, :ends_at, 'booked', CAST(:services AS jsonb), :name, :email,
               :language, :time_zone, :link_generation, :now, :now
          FROM choice
            ON CONFLICT DO NOTHING
        RETURNING lane
    ), published AS (
        INSERT INTO outbox (event_id, subject, headers, body, created_at)
        SELECT :event_id, :subject, CAST(:headers AS jsonb), :body, :created_at
          FROM booked
    )
    SELECT EXISTS (SELECT FROM choice) AS tried, EXISTS (SELECT FROM booked) AS booked
"""


async def busy(tx: Transaction, office: str, low: datetime, high: datetime) -> list[Busy]:
    """Which lanes of `office` have appointments between `low` and `high`."""
    row = await tx.row(BUSY, office=office, low=low, high=high)
    if row is None or row["lanes"] is None:
        return []
    return [Busy(*taken) for taken in zip(row["lanes"], row["starts"], row["ends"], strict=True)]


async def book(
    tx: Transaction, event: BookingCompleted, *, capacity: int, held: Collection[int], own: int | None, now: datetime
) -> Outcome:
    """Stores the appointment that `event` tells of, and the event itself, or neither.

    `held` lanes are kept for others and left alone; the lane `own` is taken if it is free. "taken": no lane is free.
    """
    row, _ = tx.outbox_row(event, actor="citizen")
    outcome = await tx.row(
        BOOK,
        **row,
        id=event.appointment_id,
        office=event.office,
        reference=event.reference,
        starts_at=event.starts_at,
        ends_at=event.ends_at,
        services=json.dumps([service.model_dump() for service in event.services]),
        name=event.citizen.name,
        email=event.citizen.email,
        language=event.citizen.language,
        time_zone=event.citizen.time_zone,
        link_generation=event.link_generation,
        now=now,
        capacity=capacity,
        held=list(held),
        own=own,
    )
    assert outcome is not None, "a SELECT without FROM has one row"
    if outcome["booked"]:
        return "booked"
    return "lost" if outcome["tried"] else "taken"


async def appointment_of(tx: Transaction, citizen: Citizen, *, lock: bool = False) -> Appointment | None:
    """The appointment that the citizen's link names. `lock`: nobody else changes it until this transaction ends."""
    query = select(Appointment).where(Appointment.id == citizen.sub, Appointment.office == citizen.office)
    return (await tx.session.exec(query.with_for_update() if lock else query)).first()


async def finish(tx: Transaction, office: str, appointment: AppointmentId, state: State, now: datetime) -> bool:
    """Ends a booked appointment in `state`; False if there is none (cancelled, ended already, or erased)."""
    changed = await tx.execute(
        """
        UPDATE appointment SET state = :state, changed_at = :now
         WHERE id = :id AND office = :office AND state = 'booked'
        """,
        id=appointment,
        office=office,
        state=state,
        now=now,
    )
    return changed == 1
