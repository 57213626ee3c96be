"""Cases in PostgreSQL. A query takes the actor who asks: what is not theirs does not exist."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlmodel import col, select

from casework.applications import store as applications
from casework.cases import audit
from casework.cases.booked import Person
from casework.cases.identity import IdentityCheck
from casework.cases.model import Case
from casework.cases.payment import Payment
from casework.errors import LinkExpired
from casework.tables import AuditRow, CaseRow, IdentityCheckRow, PersonRow
from chassis.database import Row, Transaction
from chassis.problems import NotFound
from contracts.actors import Citizen, Clerk
from contracts.base import AppointmentEvent
from contracts.booking import Need

#: Columns that are equal in the row and in the model.
_PLAIN = (
    "case_id", "office", "appointment_id", "reference", "language", "starts_at", "ends_at", "link_generation", "state",
    "stage", "revision", "clerk_id", "presence", "presence_at", "waiting_since", "technical_check", "mail", "ended_at",
    "abort_reason", "moved_at", "contact_revision", "absence_told_at", "erasure_requested_at",
)  # fmt: skip


_ENTRY: Final = tuple(field.name for field in fields(audit.Entry))
_NEEDS: Final[TypeAdapter[tuple[Need, ...]]] = TypeAdapter(tuple[Need, ...])


async def of_clerk(tx: Transaction, clerk: Clerk, case_id: UUID, *, lock: bool = True) -> Case:
    """The case `case_id` of the clerk's office, locked against others unless only read. Raises NotFound."""
    query = select(CaseRow).where(CaseRow.case_id == case_id, CaseRow.office == clerk.office)
    row = (await tx.session.exec(query.with_for_update() if lock else query)).first()
    if row is None:
        raise NotFound("There is no such case.")
    return await _loaded(tx, row)


async def of_citizen(tx: Transaction, citizen: Citizen, *, lock: bool = True) -> Case:
    """The case of the citizen's appointment. Raises LinkExpired for a link that is no longer valid.

    Raises NotFound while the booking, or the move that made this link, has not arrived.
    """
    row = await _row_of_appointment(tx, citizen.office, citizen.sub, lock=lock)
    if row is None:
        raise NotFound("There is no case for this appointment yet.")
    if row.state == "cancelled" or citizen.gen < row.link_generation or row.erasure_requested_at is not None:
        raise LinkExpired("The appointment was cancelled or moved, or its link was sent anew.")
    if citizen.gen > row.link_generation:
        raise NotFound("The news of the move is still on its way.")
    return await _loaded(tx, row)


async def of_event(tx: Transaction, event: AppointmentEvent) -> Case | None:
    """The case that `event` is about, locked; None before the booking itself has arrived."""
    row = await _row_of_appointment(tx, event.office, event.appointment_id, lock=True)
    return await _loaded(tx, row) if row else None


async def add(tx: Transaction, case: Case, now: datetime) -> None:
    """Store a new case with its applications and first audit entries."""
    start = audit.beginning(case.case_id)
    row = CaseRow(**_plain(case), payment=_payment_json(case.payment), opened_at=now, audit_length=0, audit_head=start)
    tx.session.add(row)
    await tx.session.flush()
    await applications.add_all(tx, case.case_id, case.applications)
    await save(tx, case)


async def save(tx: Transaction, case: Case) -> None:
    """Store what changed in `case`, loaded or added in this transaction; its facts go to the audit trail."""
    row = await tx.session.get_one(CaseRow, case.case_id)
    for name, value in _plain(case).items():
        setattr(row, name, value)
    row.payment, row.needs = _payment_json(case.payment), list(case.needs)
    if case.person:
        await tx.session.merge(PersonRow(case_id=case.case_id, **asdict(case.person)))
    if case.identity_check:
        await tx.session.merge(IdentityCheckRow(case_id=case.case_id, **asdict(case.identity_check)))
    if case.erased:
        await _erase(tx, case.case_id)
    await applications.save_all(tx, case.applications)
    for fact in case.facts:
        entry = audit.append(case.case_id, row.audit_length + 1, row.audit_head, fact)
        tx.session.add(AuditRow(**asdict(entry)))
        row.audit_length, row.audit_head = entry.number, entry.hash
    case.facts.clear()
    await tx.session.flush()


async def _erase(tx: Transaction, case_id: UUID) -> None:
    for table in (PersonRow, IdentityCheckRow):
        row = await tx.session.get(table, case_id)
        if row:
            await tx.session.delete(row)


async def agenda(tx: Transaction, clerk: Clerk, since: datetime, until: datetime) -> Sequence[Row]:
    """The cases of the clerk's office that begin in [since, until), in one statement."""
    return await tx.rows(
        """
        SELECT c.*, p.name AS citizen_name, k.name AS clerk_name,
               (SELECT json_agg(json_build_array(a.service_id, a.persons) ORDER BY a.position) FROM application a
                WHERE a.case_id = c.case_id AND coalesce(a.person, 1) = 1) AS booked_services
        FROM case_file c
        LEFT JOIN person p USING (case_id)
        LEFT JOIN clerk k USING (clerk_id)
        WHERE c.office = :office AND c.starts_at >= :since AND c.starts_at < :until
        ORDER BY c.starts_at, c.reference
        """,
        office=clerk.office,
        since=since,
        until=until,
    )


async def how_many(tx: Transaction, office: str, since: datetime, until: datetime) -> dict[tuple[str, str], int]:
    """How many cases of `office` begin in [since, until), by state and stage."""
    rows = await tx.rows(
        """
        SELECT state, stage, count(*) AS cases FROM case_file
         WHERE office = :office AND starts_at >= :since AND starts_at < :until
         GROUP BY state, stage
        """,
        office=office,
        since=since,
        until=until,
    )
    return {(row["state"], row["stage"]): row["cases"] for row in rows}


async def parked(tx: Transaction) -> int:
    """How many events wait for the booking of their appointment, in all offices."""
    row = await tx.row("SELECT count(*) AS parked FROM parked_event")
    assert row is not None, "an aggregate has one row"
    return int(row["parked"])


async def beginnings(tx: Transaction, case: Case) -> tuple[datetime | None, datetime | None]:
    """When the call of `case` began first, and when what is shown now was shown; None for what did not happen yet."""
    row = await tx.row(
        """
        SELECT min(at) FILTER (WHERE action = 'call_started') AS call,
               max(at) FILTER (WHERE action IN ('stage_shown', 'payment_requested', 'case_resumed')) AS shown
          FROM audit_entry WHERE case_id = :case_id
        """,
        case_id=case.case_id,
    )
    assert row is not None, "an aggregate has one row"
    return row["call"], row["shown"]


async def trail(tx: Transaction, case_id: UUID) -> list[audit.Entry]:
    """The audit entries of a case, oldest first. The caller has loaded the case as its actor."""
    query = select(AuditRow).where(AuditRow.case_id == case_id).order_by(col(AuditRow.number))
    return [audit.Entry(**row.model_dump()) for row in await tx.session.exec(query)]


async def trails_after(tx: Transaction, office: str, after: UUID, limit: int) -> dict[UUID, bool]:
    """Whether the audit trails of up to `limit` cases of `office`, in the order of their ids, are what was written.

    One statement, so that nobody's entry comes between a trail and its end.
    """
    rows = await tx.rows(
        """
        SELECT c.case_id, c.audit_length, c.audit_head, a.number, a.at, a.actor, a.action, a.detail, a.previous, a.hash
          FROM (SELECT case_id, audit_length, audit_head FROM case_file
                 WHERE office = :office AND case_id > :after ORDER BY case_id LIMIT :limit) AS c
          LEFT JOIN audit_entry AS a USING (case_id)
         ORDER BY c.case_id, a.number
        """,
        office=office,
        after=after,
        limit=limit,
    )
    sound: dict[UUID, bool] = {}
    for case_id, of_case in groupby(rows, itemgetter("case_id")):
        held = list(of_case)
        entries = [audit.Entry(**{name: row[name] for name in _ENTRY}) for row in held if row["number"] is not None]
        length, head = held[0]["audit_length"], held[0]["audit_head"]
        sound[case_id] = audit.first_broken(case_id, entries, length, head) is None
    return sound


async def audit_end(tx: Transaction, case_id: UUID) -> tuple[int, str]:
    """Length and head of the audit chain, as the case remembers them."""
    row = await tx.session.get_one(CaseRow, case_id)
    return row.audit_length, row.audit_head


async def _row_of_appointment(tx: Transaction, office: str, appointment_id: UUID, *, lock: bool) -> CaseRow | None:
    query = select(CaseRow).where(CaseRow.appointment_id == appointment_id, CaseRow.office == office)
    return (await tx.session.exec(query.with_for_update() if lock else query)).first()


async def _loaded(tx: Transaction, row: CaseRow) -> Case:
    person = await tx.session.get(PersonRow, row.case_id)
    check = await tx.session.get(IdentityCheckRow, row.case_id)
    return Case(
        **{name: getattr(row, name) for name in _PLAIN},
        person=Person(person.name, person.email, person.time_zone, person.phone) if person else None,
        needs=_NEEDS.validate_python(row.needs),
        identity_check=IdentityCheck(**check.model_dump(exclude={"case_id"})) if check else None,
        applications=await applications.of_case(tx, row.case_id),
        payment=_payment(row.payment),
    )


def _plain(case: Case) -> dict[str, Any]:
    return {name: getattr(case, name) for name in _PLAIN}


def _payment_json(payment: Payment) -> dict[str, Any]:
    return asdict(payment) | {
        "items": [dict(item) for item in payment.items],
        "order_id": str(payment.order_id) if payment.order_id else None,
        "at": payment.at.isoformat() if payment.at else None,
    }


def _payment(stored: dict[str, Any]) -> Payment:
    return Payment(
        **stored
        | {
            "items": tuple(stored["items"]),
            "order_id": UUID(stored["order_id"]) if stored["order_id"] else None,
            "at": datetime.fromisoformat(stored["at"]) if stored["at"] else None,
        }
    )
