"""The SQL of notify: whom to write to, and what. That of sending is in sending.py, of corrections in correcting.py."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import col, desc, select

from chassis.database import Row, Transaction
from chassis.traces import carried
from contracts.actors import Clerk
from contracts.booking import RemindersChosen
from contracts.ids import AppointmentId, OfficeSlug
from notify.model import Claim, Message, Planned, Standing, Told, key
from notify.personal_data import REGISTRY
from notify.tables import MessageRow, Recipient, Reminder

#: The reminders of an appointment as they are planned now; before another statement, in one round trip.
_PLAN: Final = """
    gone AS (
        DELETE FROM reminder WHERE appointment_id = :appointment_id AND id <> ALL(CAST(:reminder_ids AS uuid[]))
    ), planned AS (
        INSERT INTO reminder (id, appointment_id, due_at, valid_until)
        SELECT id, :appointment_id, due_at, valid_until
          FROM unnest(CAST(:reminder_ids AS uuid[]), CAST(:reminders_due_at AS timestamptz[]),
                      CAST(:reminders_valid_until AS timestamptz[])) AS planned (id, due_at, valid_until)
        ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, valid_until = excluded.valid_until
    )
"""
#: Of a recipient who is forgotten, and of what was written to them.
_FORGOTTEN: Final = REGISTRY["recipient"].emptied()
_UNWRITTEN: Final = REGISTRY["message"].emptied()

#: The columns of a recipient, and what becomes of a known one: the newest event says, what is over stays so.
RECIPIENT: Final = """
    appointment_id, office, reference, name, email, language, time_zone, phone, plain_language, appointment, ends_at,
    link_generation, over, settled
"""
TELL: Final = """
    ON CONFLICT (appointment_id) DO UPDATE SET
        (name, email, language, time_zone, phone, plain_language, appointment, ends_at) = (
            SELECT name, email, language, time_zone, phone, plain_language, appointment, ends_at FROM (VALUES
                (excluded.link_generation, excluded.name, excluded.email, excluded.language, excluded.time_zone,
                 excluded.phone, excluded.plain_language, excluded.appointment, excluded.ends_at),
                (known.link_generation, known.name, known.email, known.language, known.time_zone,
                 known.phone, known.plain_language, known.appointment, coalesce(known.ends_at, excluded.ends_at))
            ) AS told (generation, name, email, language, time_zone, phone, plain_language, appointment, ends_at)
            ORDER BY generation DESC LIMIT 1
        ),
        link_generation = greatest(known.link_generation, excluded.link_generation),
        over = known.over OR excluded.over,
        settled = known.settled OR excluded.settled
    WHERE known.erased_at IS NULL AND known.office = excluded.office
    RETURNING link_generation, over, settled, plain_language,
              CASE WHEN contact_generation = 0 OR contact_generation >= link_generation THEN corrected_email END
              AS corrected_email
"""
_ADD: Final = """
    INSERT INTO message (id, key, office, appointment_id, kind, cause, recipient, language, context, state, tries,
        next_try_at, created_at, valid_until, plain_language, channel, claimed_by, claimed_until, carried)
    VALUES (:id, :key, :office, :appointment_id, :kind, :cause, :recipient, :language, CAST(:context AS jsonb),
        'pending', :tries, CAST(:due_at AS timestamptz), :created_at, :valid_until, :plain_language, :channel,
        :claimed_by, :claimed_until, CAST(:carried AS jsonb))
    ON CONFLICT DO NOTHING
"""


async def serialise(tx: Transaction, appointment_id: AppointmentId) -> None:
    """Let an offer and what undoes it wait for each other, also while the appointment has no row to lock."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=str(appointment_id))


async def remember(tx: Transaction, told: Told) -> Standing | None:
    """Keep whom to write to about an appointment, as the newest event says.

    Returns how the appointment stands now, or None when it was erased. Serialises the events of one appointment: the
    row stays locked until the transaction ends.
    """
    row = await tx.row(
        f"INSERT INTO recipient AS known ({RECIPIENT})"  # noqa: S608 - constants
        " VALUES (:appointment_id, :office, :reference, :name, :email, :language, :time_zone, :phone, :plain_language,"
        f" CAST(:appointment AS jsonb), :ends_at, :generation, :over, :settled) {TELL}",
        appointment_id=told.appointment_id,
        office=told.office,
        reference=told.reference,
        name=told.citizen.name,
        email=told.citizen.email,
        language=told.citizen.language,
        time_zone=told.citizen.time_zone,
        phone=told.citizen.phone,
        plain_language=told.citizen.plain_language,
        appointment=json.dumps(told.appointment) if told.appointment else None,
        ends_at=told.ends_at,
        generation=told.generation,
        over=told.over,
        settled=told.settled,
    )
    if row is None:
        return None
    return Standing(row["link_generation"], row["over"], row["settled"], row["corrected_email"], row["plain_language"])


async def tell_absence(
    tx: Transaction, appointment_id: AppointmentId, office: OfficeSlug, at: datetime, *, here: bool = False
) -> bool | None:
    """Note a word about somebody not coming; False when a later one is known, None when the appointment is not.

    Who is `here` after all is written to again, unless they are erased.
    """
    row = await tx.row(
        """
        UPDATE recipient AS known
           SET absence_told_at = CASE WHEN known.erased_at IS NULL
                                      THEN greatest(known.absence_told_at, CAST(:at AS timestamptz)) END,
               over = over AND NOT (:here AND before.latest AND known.erased_at IS NULL),
               settled = settled AND NOT (:here AND before.latest)
          FROM (SELECT appointment_id, absence_told_at IS NULL OR absence_told_at <= CAST(:at AS timestamptz) AS latest
                  FROM recipient WHERE appointment_id = :appointment_id AND office = :office FOR UPDATE) AS before
         WHERE known.appointment_id = before.appointment_id
        RETURNING before.latest
        """,
        appointment_id=appointment_id,
        office=office,
        at=at,
        here=here,
    )
    return None if row is None else bool(row["latest"])


async def choose_reminders(tx: Transaction, event: RemindersChosen) -> bool | None:
    """Note whether somebody wants reminders; False when a later choice is known, None when the appointment is not."""
    row = await tx.row(
        """
        UPDATE recipient AS known
           SET reminders_declined = CASE WHEN before.latest THEN NOT :wanted ELSE known.reminders_declined END,
               reminders_revision = greatest(known.reminders_revision, CAST(:revision AS int))
          FROM (SELECT appointment_id, erased_at IS NULL AND reminders_revision <= CAST(:revision AS int) AS latest
                  FROM recipient WHERE appointment_id = :appointment_id AND office = :office FOR UPDATE) AS before
         WHERE known.appointment_id = before.appointment_id AND known.office = :office
        RETURNING before.latest
        """,
        appointment_id=event.appointment_id,
        office=event.office,
        wanted=event.wanted,
        revision=event.revision,
    )
    return None if row is None else bool(row["latest"])


async def settle(tx: Transaction, appointment_id: AppointmentId, office: OfficeSlug) -> bool:
    """Note that the matter of an appointment is done or given up; False when the appointment is not known yet."""
    return bool(
        await tx.execute(
            "UPDATE recipient SET settled = true WHERE appointment_id = :appointment_id AND office = :office",
            appointment_id=appointment_id,
            office=office,
        )
    )


async def plan_reminders(tx: Transaction, appointment_id: AppointmentId, planned: Sequence[Planned]) -> None:
    """Let these be the reminders of an appointment, whatever they were. The caller holds the recipient's row."""
    await tx.execute(f"WITH {_PLAN} SELECT 1", appointment_id=appointment_id, **columns(planned))


def columns(planned: Sequence[Planned]) -> dict[str, list[UUID] | list[datetime]]:
    """The parameters that name reminders."""
    return {
        "reminder_ids": [one.id for one in planned],
        "reminders_due_at": [one.due_at for one in planned],
        "reminders_valid_until": [one.valid_until for one in planned],
    }


async def to_be_reminded(
    tx: Transaction, office: OfficeSlug, now: datetime, after: UUID | None, limit: int
) -> list[Row]:
    """Up to `limit` appointments of `office` to come, by id from `after` on, with their rows locked."""
    return await tx.rows(
        """
        SELECT appointment_id, link_generation, appointment FROM recipient
         WHERE office = :office AND erased_at IS NULL AND ends_at > :now AND NOT over AND NOT settled
           AND appointment IS NOT NULL AND coalesce(appointment ->> 'channel', '') <> 'walk_in'
           AND (CAST(:after AS uuid) IS NULL OR appointment_id > :after)
         ORDER BY appointment_id LIMIT :limit FOR UPDATE
        """,
        office=office,
        now=now,
        after=after,
        limit=limit,
    )


async def take_due_reminders(tx: Transaction, now: datetime, limit: int) -> list[Reminder]:
    """Up to `limit` due reminders, earliest first, deleted in this transaction, with their recipients' rows locked.

    Locks in the order of the events' transactions, recipient first, and passes over whom one of these or another
    replica works on: they are due the next time, if they still are.
    """
    rows = await tx.rows(
        """
        WITH due AS (
            SELECT reminder.id FROM reminder JOIN recipient USING (appointment_id)
             WHERE reminder.due_at <= :now
             ORDER BY reminder.due_at
             LIMIT :limit
               FOR UPDATE OF recipient SKIP LOCKED
        )
        DELETE FROM reminder USING due WHERE reminder.id = due.id
        RETURNING reminder.id, reminder.appointment_id, reminder.due_at, reminder.valid_until
        """,
        now=now,
        limit=limit,
    )
    return [Reminder(**row) for row in sorted(rows, key=lambda row: row["due_at"])]


async def recipient(tx: Transaction, appointment_id: AppointmentId) -> Recipient | None:
    """Whom to write to about an appointment, if its booking has been heard of."""
    return await tx.session.get(Recipient, appointment_id, with_for_update={"read": True})


async def erase(tx: Transaction, appointment_id: AppointmentId, office: OfficeSlug, at: datetime) -> None:
    """Forget the person behind an appointment: address, name, and what was written to them. Unsent mail is dropped.

    The bare ids stay, so that whatever still arrives about this appointment is written to nobody.
    """
    ours = await tx.execute(
        f"""
        INSERT INTO recipient AS known (appointment_id, office, reference, name, email, language, over, erased_at)
        VALUES (:appointment_id, :office, '', '', '', '', true, :at)
        ON CONFLICT (appointment_id) DO UPDATE SET {_FORGOTTEN}, over = true, erased_at = excluded.erased_at
        WHERE known.office = excluded.office
        """,  # noqa: S608 - a constant of ours
        appointment_id=appointment_id,
        office=office,
        at=at,
    )
    if not ours:
        return
    await tx.execute("DELETE FROM reminder WHERE appointment_id = :appointment_id", appointment_id=appointment_id)
    await tx.execute(
        f"""
        UPDATE message SET {_UNWRITTEN}, next_try_at = NULL, settled_at = coalesce(settled_at, :at),
            state = CASE state WHEN 'pending' THEN 'dropped' ELSE state END
        WHERE appointment_id = :appointment_id AND office = :office
        """,  # noqa: S608 - a constant of ours
        appointment_id=appointment_id,
        office=office,
        at=at,
    )


async def messages(tx: Transaction, clerk: Clerk, appointment_id: AppointmentId) -> Sequence[MessageRow]:
    """All messages about an appointment of the clerk's office, newest first."""
    found = await tx.session.exec(
        select(MessageRow)
        .where(MessageRow.appointment_id == appointment_id, MessageRow.office == clerk.office)
        .order_by(desc(col(MessageRow.created_at)), col(MessageRow.id))
    )
    return found.all()


async def message(tx: Transaction, clerk: Clerk, appointment_id: AppointmentId, message_id: UUID) -> MessageRow | None:
    """One message of the clerk's office."""
    row = await tx.session.get(MessageRow, message_id)
    return row if row and (row.office, row.appointment_id) == (clerk.office, appointment_id) else None


async def lock_recipient(tx: Transaction, clerk: Clerk, appointment_id: AppointmentId) -> Recipient | None:
    """Whom to write to about an appointment of the clerk's office; the row stays locked until the transaction ends."""
    row = await tx.session.get(Recipient, appointment_id, with_for_update=True)
    return row if row and row.office == clerk.office else None


async def drop_one(tx: Transaction, message_id: UUID, now: datetime) -> None:
    """Do not send a message that another one replaces."""
    await tx.execute(
        "UPDATE message SET state = 'dropped', settled_at = :now, next_try_at = NULL"
        " WHERE id = :id AND state = 'pending'",
        id=message_id,
        now=now,
    )


async def erase_old(tx: Transaction, office: str, before: datetime, now: datetime, limit: int) -> int:
    """Forget up to `limit` people whose appointment ended before `before`, and what was written to them; how many."""
    rows = await tx.rows(
        "SELECT appointment_id FROM recipient WHERE office = :office AND erased_at IS NULL AND ends_at < :before"
        " ORDER BY ends_at LIMIT :limit FOR UPDATE SKIP LOCKED",
        office=office,
        before=before,
        limit=limit,
    )
    for row in rows:
        await erase(tx, AppointmentId(row["appointment_id"]), OfficeSlug(office), now)
    return len(rows)


async def erase_old_offers(tx: Transaction, office: str, before: datetime) -> int:
    """Forget what was written before `before` to people who have no appointment yet; how many messages.

    Nothing notes that the person is erased: who goes on waiting may still get an appointment, and mails about it.
    """
    return await tx.execute(
        f"UPDATE message SET {_UNWRITTEN}"  # noqa: S608 - a constant of ours
        " WHERE office = :office AND recipient <> '' AND state <> 'pending' AND created_at < :before"
        " AND NOT EXISTS (SELECT FROM recipient WHERE recipient.appointment_id = message.appointment_id)",
        office=office,
        before=before,
    )


async def offices_with_people(tx: Transaction) -> list[str]:
    """All offices of which somebody is known, also those whose file is gone."""
    rows = await tx.rows("SELECT DISTINCT office FROM recipient UNION SELECT DISTINCT office FROM message")
    return [row["office"] for row in rows]


async def add(
    tx: Transaction, message: Message, claim: Claim | None = None, *, planned: Sequence[Planned] | None = None
) -> bool:
    """Queue `message`, or put it under `claim` at once; False when its cause has already had one of this kind.

    With `planned` it also does what `plan_reminders` does, whatever it returns.
    """
    return bool(
        await tx.execute(
            _ADD if planned is None else f"WITH {_PLAN} {_ADD}",
            **columns(planned or ()),
            id=message.id,
            key=key(message.kind, message.cause, message.channel),
            office=message.office,
            appointment_id=message.appointment_id,
            kind=message.kind,
            cause=message.cause,
            recipient=message.recipient,
            language=message.language,
            context=json.dumps(message.context),
            tries=message.tries,
            created_at=message.created_at,
            valid_until=message.valid_until,
            plain_language=message.plain_language,
            channel=message.channel,
            due_at=claim.until if claim else message.created_at,
            claimed_by=claim and claim.by,
            claimed_until=claim and claim.until,
            carried=json.dumps(carried()),
        )
    )


async def drop_unsent(
    tx: Transaction,
    appointment_id: AppointmentId,
    kinds: Sequence[str],
    cause: UUID,
    now: datetime,
    *,
    keep_offers_of: int | None = None,
) -> None:
    """Do not send what is not true any more since the event `cause`, whose own message stays when it comes again.

    Offers that came with the link of generation `keep_offers_of` are true. One that is on the wire this very moment
    still arrives.
    """
    await tx.execute(
        "UPDATE message SET state = 'dropped', settled_at = :now, next_try_at = NULL"
        " WHERE appointment_id = :appointment_id AND state = 'pending' AND kind = ANY(:kinds) AND cause <> :cause"
        " AND NOT coalesce(kind = 'slot_offer'"
        " AND CAST(context ->> 'generation' AS int) >= CAST(:keep_offers_of AS int), false)",
        keep_offers_of=keep_offers_of,
        appointment_id=appointment_id,
        kinds=list(kinds),
        cause=cause,
        now=now,
    )
