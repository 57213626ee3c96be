"""The SQL of a booking: one statement for what the store does in four, because of it there are the most."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chassis.consumer import INBOX, InboxRow
from chassis.database import Transaction
from chassis.traces import carried
from contracts.booking import BookingCompleted
from notify.model import Claim, Message, Planned, key
from notify.store import RECIPIENT, TELL, columns

#: All that a booking brings, once: its row in the inbox, whom to write to, the reminders, the confirmation.
_CONFIRM: Final = f"""
    WITH fresh AS ({INBOX} RETURNING event_id),
    remembered AS (
        INSERT INTO recipient AS known ({RECIPIENT})
        SELECT CAST(:appointment_id AS uuid), CAST(:office AS text), CAST(:reference AS text), CAST(:name AS text),
               CAST(:email AS text), CAST(:language AS text), CAST(:time_zone AS text), CAST(:phone AS text),
               CAST(:plain_language AS boolean), CAST(:context AS jsonb), CAST(:ends_at AS timestamptz),
               CAST(:generation AS integer), false, false FROM fresh
        {TELL}
    ),
    good AS (SELECT settled, corrected_email FROM remembered WHERE NOT over AND :generation >= link_generation),
    gone AS (
        DELETE FROM reminder USING good
         WHERE :plans AND appointment_id = :appointment_id
           AND (settled OR id <> ALL(CAST(:reminder_ids AS uuid[])))
    ),
    planned AS (
        INSERT INTO reminder (id, appointment_id, due_at, valid_until)
        SELECT id, CAST(:appointment_id AS uuid), due_at, valid_until
          FROM good, unnest(CAST(:reminder_ids AS uuid[]), CAST(:reminders_due_at AS timestamptz[]),
                            CAST(:reminders_valid_until AS timestamptz[])) AS planned (id, due_at, valid_until)
         WHERE NOT settled
        ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, valid_until = excluded.valid_until
    ),
    queued AS (
        INSERT INTO message (id, key, office, appointment_id, kind, cause, recipient, language, context, state, tries,
            next_try_at, created_at, plain_language, claimed_by, claimed_until, carried)
        SELECT CAST(:id AS uuid), CAST(:key AS text), :office, :appointment_id, CAST(:kind AS text), :event_id,
               coalesce(corrected_email, :email), :language, :context, 'pending',
               CAST(:tries AS integer), CAST(:due_at AS timestamptz), CAST(:created_at AS timestamptz),
               :plain_language, CAST(:claimed_by AS uuid), CAST(:claimed_until AS timestamptz),
               CAST(:carried AS jsonb) FROM good
        ON CONFLICT DO NOTHING
        RETURNING recipient
    )
    SELECT EXISTS (SELECT FROM fresh) AS fresh, (SELECT recipient FROM queued) AS recipient
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class Confirmed:
    """Whether a booking was new, and to whom its confirmation was queued, if it was."""

    fresh: bool
    recipient: str | None


async def confirm(
    tx: Transaction,
    event: BookingCompleted,
    message: Message,
    claim: Claim | None,
    planned: Sequence[Planned] | None,
    inbox: InboxRow,
) -> Confirmed:
    """What `remember`, `plan_reminders` and `add` do for a booking, and its row in the inbox, in one statement.

    What others do to the appointment meanwhile is seen as it is in `remember`: its row is locked, and says how it
    stands after them.
    """
    citizen = event.citizen
    row = await tx.row(
        _CONFIRM,
        **inbox,
        **columns(planned or ()),
        plans=planned is not None,
        appointment_id=event.appointment_id,
        office=event.office,
        reference=event.reference,
        name=citizen.name,
        email=citizen.email,
        language=citizen.language,
        time_zone=citizen.time_zone,
        phone=citizen.phone,
        plain_language=citizen.plain_language,
        ends_at=event.ends_at,
        generation=event.link_generation,
        id=message.id,
        key=key(message.kind, message.cause),
        kind=message.kind,
        context=json.dumps(message.context),
        tries=message.tries,
        due_at=claim.until if claim else message.created_at,
        created_at=message.created_at,
        claimed_by=claim and claim.by,
        claimed_until=claim and claim.until,
        carried=json.dumps(carried()),
    )
    assert row is not None, "it says so in any case"
    return Confirmed(**row)
