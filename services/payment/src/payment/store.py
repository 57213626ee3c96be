"""All SQL of the payment service. Whoever asks on behalf of a person passes that person."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from chassis.database import Row, Transaction
from contracts.actors import Citizen
from contracts.casework import PaymentItem
from contracts.ids import AppointmentId, CaseId, OfficeSlug, OrderId
from payment.model import Order, State
from payment.tables import LIVE_SQL

_COLUMNS: Final = (
    "id, office, appointment_id, case_id, reference, amount_cents, currency, items, language, provider, requested_at,"
    " state, aim, superseded, provider_order_id, approval_url, authorization_id, capture_id, refunded_cents, reason,"
    " receipt_number"
)

_INSERT: Final = f"""
    INSERT INTO payment_order (id, office, appointment_id, case_id, reference, amount_cents, currency, items, language,
        provider, state, aim, superseded, refunded_cents, requested_at, created_at, changed_at, checked_at)
    VALUES (:id, :office, :appointment_id, :case_id, :reference, :amount_cents, :currency, CAST(:items AS jsonb),
        :language, :provider, :state, :aim, false, 0, :requested_at, :now, :now, :now)
    ON CONFLICT (case_id) WHERE {LIVE_SQL} DO NOTHING
"""  # noqa: S608 - a constant


def _order(row: Row) -> Order:
    items = tuple(PaymentItem.model_validate(item) for item in row["items"])
    return Order(**{**row, "items": items})


async def insert(tx: Transaction, order: Order, now: datetime) -> bool:
    """Add a new order. False, and nothing done, when its case has a live one already."""
    return bool(
        await tx.execute(
            _INSERT,
            id=order.id,
            office=order.office,
            appointment_id=order.appointment_id,
            case_id=order.case_id,
            reference=order.reference,
            amount_cents=order.amount_cents,
            currency=order.currency,
            items=json.dumps([item.model_dump(mode="json") for item in order.items]),
            language=order.language,
            provider=order.provider,
            state=order.state,
            aim=order.aim,
            requested_at=order.requested_at,
            now=now,
        )
    )


async def save(tx: Transaction, order: Order, now: datetime) -> None:
    """Write what may change of an order; the caller holds its row (see `locked`)."""
    await tx.execute(
        "UPDATE payment_order SET state = :state, aim = :aim, superseded = :superseded,"
        " provider_order_id = :provider_order_id, approval_url = :approval_url, authorization_id = :authorization_id,"
        " capture_id = :capture_id, refunded_cents = :refunded_cents, reason = :reason,"
        " receipt_number = :receipt_number, changed_at = :now WHERE id = :id",
        id=order.id,
        state=order.state,
        aim=order.aim,
        superseded=order.superseded,
        provider_order_id=order.provider_order_id,
        approval_url=order.approval_url,
        authorization_id=order.authorization_id,
        capture_id=order.capture_id,
        refunded_cents=order.refunded_cents,
        reason=order.reason,
        receipt_number=order.receipt_number,
        now=now,
    )


async def checked(tx: Transaction, order_id: UUID, now: datetime) -> None:
    """The provider's books on this order were read now."""
    await tx.execute("UPDATE payment_order SET checked_at = :now WHERE id = :id", id=order_id, now=now)


async def by_id(tx: Transaction, order_id: UUID) -> Order:
    """One order, for the service's own work. LookupError when there is none."""
    row = await tx.row(f"SELECT {_COLUMNS} FROM payment_order WHERE id = :id", id=order_id)  # noqa: S608
    if row is None:
        raise LookupError(order_id)
    return _order(row)


async def locked(tx: Transaction, order_id: UUID) -> Order:
    """One order, held until the transaction ends. LookupError when there is none."""
    row = await tx.row(f"SELECT {_COLUMNS} FROM payment_order WHERE id = :id FOR UPDATE", id=order_id)  # noqa: S608
    if row is None:
        raise LookupError(order_id)
    return _order(row)


async def current(tx: Transaction, citizen: Citizen) -> Order | None:
    """The order that this citizen sees: the newest of their appointment."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM payment_order WHERE appointment_id = :appointment AND office = :office"  # noqa: S608
        " AND NOT superseded ORDER BY created_at DESC LIMIT 1",
        appointment=citizen.sub,
        office=citizen.office,
    )
    return _order(row) if row else None


async def of_case(tx: Transaction, office: OfficeSlug, case_id: CaseId) -> Order | None:
    """The newest order of a case, held until the transaction ends."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM payment_order WHERE case_id = :case AND office = :office"  # noqa: S608
        " AND NOT superseded ORDER BY created_at DESC LIMIT 1 FOR UPDATE",
        case=case_id,
        office=office,
    )
    return _order(row) if row else None


async def of_appointment(tx: Transaction, office: OfficeSlug, appointment_id: AppointmentId) -> list[Order]:
    """All orders of an appointment, held until the transaction ends."""
    rows = await tx.rows(
        f"SELECT {_COLUMNS} FROM payment_order WHERE appointment_id = :appointment AND office = :office"  # noqa: S608
        " ORDER BY id FOR UPDATE",
        appointment=appointment_id,
        office=office,
    )
    return [_order(row) for row in rows]


async def id_by_references(tx: Transaction, references: Collection[str]) -> OrderId | None:
    """The order that the provider means by any of these ids: its own ones, or ours that it carries for us."""
    row = await tx.row(
        "SELECT id FROM payment_order WHERE provider_order_id = ANY(:ids) OR authorization_id = ANY(:ids)"
        " OR capture_id = ANY(:ids) OR CAST(id AS text) = ANY(:ids) LIMIT 1",
        ids=list(references),
    )
    return OrderId(row["id"]) if row else None


async def lock(tx: Transaction, appointment_id: AppointmentId) -> None:
    """Let requests and decisions about one appointment wait for each other, also while it has no order yet."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=str(appointment_id))


async def close(
    tx: Transaction, office: OfficeSlug, appointment_id: AppointmentId, *, link_dead: bool, now: datetime
) -> None:
    """This appointment wants no payment any more; with `link_dead` its link is worth nothing either."""
    await tx.execute(
        "INSERT INTO closed_appointment (appointment_id, office, link_dead, closed_at)"
        " VALUES (:appointment, :office, :link_dead, :now) ON CONFLICT (appointment_id)"
        " DO UPDATE SET link_dead = closed_appointment.link_dead OR excluded.link_dead",
        appointment=appointment_id,
        office=office,
        link_dead=link_dead,
        now=now,
    )


async def reopen(tx: Transaction, office: OfficeSlug, appointment_id: AppointmentId) -> None:
    """This appointment may want a payment after all, unless its link is dead."""
    await tx.execute(
        "DELETE FROM closed_appointment WHERE appointment_id = :appointment AND office = :office AND NOT link_dead",
        appointment=appointment_id,
        office=office,
    )


async def tell_absence(tx: Transaction, office: OfficeSlug, appointment_id: AppointmentId, at: datetime) -> bool:
    """Note a word about somebody not coming; False when a later one is known."""
    return bool(
        await tx.execute(
            "INSERT INTO absence (appointment_id, office, told_at) VALUES (:appointment, :office, :at)"
            " ON CONFLICT (appointment_id) DO UPDATE SET told_at = excluded.told_at"
            " WHERE absence.told_at <= excluded.told_at",
            appointment=appointment_id,
            office=office,
            at=at,
        )
    )


@dataclass(frozen=True)
class Closed:
    """What became of an appointment."""

    link_dead: bool


async def closed(tx: Transaction, appointment_id: AppointmentId) -> Closed | None:
    """Whether the appointment wants no payment any more."""
    row = await tx.row(
        "SELECT link_dead FROM closed_appointment WHERE appointment_id = :appointment", appointment=appointment_id
    )
    return Closed(row["link_dead"]) if row else None


async def put_newest_link(tx: Transaction, office: OfficeSlug, appointment_id: AppointmentId, generation: int) -> None:
    """From now on older links than this one are dead. Moves arrive in any order: the highest generation stays."""
    await tx.execute(
        "INSERT INTO newest_link (appointment_id, office, generation) VALUES (:appointment, :office, :generation)"
        " ON CONFLICT (appointment_id) DO UPDATE"
        " SET generation = greatest(newest_link.generation, excluded.generation)",
        appointment=appointment_id,
        office=office,
        generation=generation,
    )


async def newest_link(tx: Transaction, appointment_id: AppointmentId) -> int | None:
    """The generation of the newest link of an appointment that has moved."""
    row = await tx.row(
        "SELECT generation FROM newest_link WHERE appointment_id = :appointment", appointment=appointment_id
    )
    return int(row["generation"]) if row else None


async def count_receipt(tx: Transaction, office: OfficeSlug, year: int) -> int:
    """The next receipt's number in this office and year."""
    row = await tx.row(
        "INSERT INTO receipt_counter (office, year, last) VALUES (:office, :year, 1)"
        " ON CONFLICT (office, year) DO UPDATE SET last = receipt_counter.last + 1 RETURNING last",
        office=office,
        year=year,
    )
    assert row is not None  # an upsert always returns its row
    return int(row["last"])


async def accept_webhook(
    tx: Transaction, transmission_id: str, event_id: str, event_type: str, order_id: UUID | None, now: datetime
) -> bool:
    """Remember a webhook. False when the same transmission was accepted before."""
    return bool(
        await tx.execute(
            "INSERT INTO webhook_delivery (transmission_id, event_id, event_type, order_id, received_at)"
            " VALUES (:transmission, :event, :type, :order_id, :now) ON CONFLICT DO NOTHING",
            transmission=transmission_id,
            event=event_id,
            type=event_type,
            order_id=order_id,
            now=now,
        )
    )


async def forget_webhooks(tx: Transaction, before: datetime) -> int:
    """Drop old deliveries; whoever replays one that old is refused for its age."""
    return await tx.execute("DELETE FROM webhook_delivery WHERE received_at < :before", before=before)


async def open_cents(tx: Transaction) -> dict[tuple[str, State], int]:
    """The sums that are asked for and neither taken nor given up, by office and state."""
    rows = await tx.rows(
        f"""
        SELECT office, state, sum(amount_cents) AS cents FROM payment_order
         WHERE /* everywhere */ {LIVE_SQL} GROUP BY office, state
        """  # noqa: S608 - a constant of ours
    )
    return {(row["office"], row["state"]): int(row["cents"]) for row in rows}


#: The kinds that `paid_but_open` counts.
PAID_BUT_OPEN: Final = ("capture_overdue", "release_overdue", "case_left_open", "taken_for_nothing", "amount_mismatch")


async def paid_but_open(tx: Transaction, now: datetime) -> dict[str, int]:
    """How many orders need a human eye, by kind; all zero on a good day."""
    row = await tx.row(
        "SELECT"
        " count(*) FILTER (WHERE aim = 'take' AND state <> 'captured' AND changed_at < :late) AS capture_overdue,"
        " count(*) FILTER (WHERE (aim = 'release' OR superseded) AND state = 'authorised' AND changed_at < :late)"
        " AS release_overdue,"
        " count(*) FILTER (WHERE aim = 'reserve' AND state = 'authorised' AND changed_at < :yesterday)"
        " AS case_left_open,"
        " count(*) FILTER (WHERE aim = 'release' AND state = 'captured' AND refunded_cents < amount_cents)"
        " AS taken_for_nothing,"
        " count(*) FILTER (WHERE state = 'failed' AND reason = 'amount_mismatch' AND changed_at > :yesterday)"
        " AS amount_mismatch"
        " FROM payment_order WHERE changed_at > :horizon",
        late=now - timedelta(minutes=10),
        yesterday=now - timedelta(days=1),
        horizon=now - timedelta(days=60),
    )
    return {name: int(count) for name, count in row.items()} if row else {}
