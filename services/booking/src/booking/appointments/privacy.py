"""The citizen's rights: to know what is stored (GDPR Art. 15), and to have it erased (Art. 17)."""

from datetime import UTC, date, datetime
from typing import Final

from pydantic import BaseModel

from booking.appointments import model, store
from booking.appointments.usecases import booked_services, cancel_it
from booking.dependencies import Dependencies
from booking.entries import store as waiting
from booking.errors import ErasureLater
from booking.offices.model import BookableOffice
from booking.personal_data import REGISTRY
from booking.tables import Appointment
from chassis.database import Transaction
from contracts.booking import BookedService, BookingErased, Channel, Need
from contracts.ids import AppointmentId
from contracts.personal_data import Told
from contracts.text import Language, Localised


class StoredElsewhere(BaseModel):
    """What another part of the office keeps, and for how long."""

    part: str
    what: Localised
    until: Localised


class PersonalData(BaseModel):
    """All personal data of one appointment (GDPR Art. 15 (1) and (3))."""

    office: str
    reference: str
    state: model.State
    starts_at: datetime
    ends_at: datetime
    services: tuple[BookedService, ...]
    name: str
    email: str
    phone: str | None
    language: Language
    time_zone: str | None
    plain_language: bool
    needs: tuple[Need, ...]
    channel: Channel
    booked_at: datetime
    taken_at: datetime | None
    changed_at: datetime
    contact_changes: int
    reminders_declined: bool
    links_mailed: int
    links_mailed_on: date | None
    resumed_at: datetime | None
    citizen_here: bool
    citizen_seen_at: datetime | None
    call_started_at: datetime | None
    talk_seconds: int | None
    waiting_since: datetime | None
    erased_after_days: int
    elsewhere: tuple[StoredElsewhere, ...]


_AS_LONG_AS_THE_APPOINTMENT: Final = Localised(de="so lange wie der Termin", en="as long as the appointment")
#: What was written to the citizen, `until` when.
MESSAGES: Final = Localised(de="Welche E-Mail wann an welche Adresse ging", en="Which e-mail went where, and when")
_ELSEWHERE: Final = (
    StoredElsewhere(
        part="casework",
        what=Localised(
            de="Ihr Antrag, Ihre Unterschrift, der Vermerk über den gezeigten Ausweis (nie ein Bild), das Ergebnis des"
            " Technik-Tests und das Protokoll",
            en="Your application, your signature, the note on the ID that was shown (never an image), the result of the"
            " equipment test, and the log",
        ),
        until=Localised(
            de="bis der Antrag übergeben ist, danach nach den Fristen des Amtes",
            en="until the application is handed over, then by the office's retention periods",
        ),
    ),
    StoredElsewhere(
        part="payment",
        what=Localised(de="Betrag, Zeit und Zahlungsweg", en="Amount, time and way of payment"),
        until=Localised(de="solange das Haushaltsrecht es verlangt", en="as long as accounting law demands"),
    ),
    StoredElsewhere(
        part="notify",
        what=MESSAGES,
        until=_AS_LONG_AS_THE_APPOINTMENT,
    ),
    StoredElsewhere(
        part="signaling",
        what=Localised(
            de="Wann Sie im Warteraum waren und wann das Gespräch war; nichts vom Inhalt",
            en="When you were in the waiting room, and when the call took place; nothing of what was said",
        ),
        until=_AS_LONG_AS_THE_APPOINTMENT,
    ),
)


def data_of(appointment: Appointment, bookable: BookableOffice, waiting_since: datetime | None) -> PersonalData:
    """Everything that booking stores about the citizen of an appointment, who may wait for an earlier one."""
    told = {cell.telling.field for cell in REGISTRY["appointment"].cells.values() if isinstance(cell.telling, Told)}
    return PersonalData.model_validate(
        {name: _in_utc(value) for name, value in appointment.model_dump(include=told).items()}
        | {
            "office": appointment.office,
            "services": booked_services(appointment),
            "waiting_since": _in_utc(waiting_since),
            "erased_after_days": bookable.office.retention.appointment_days,
            "elsewhere": _ELSEWHERE,
        }
    )


def _in_utc(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


async def erase(
    deps: Dependencies, tx: Transaction, appointment: Appointment, *, actor: str, now: datetime, quiet: bool = False
) -> None:
    """Erases the citizen of an appointment whose row the caller holds, and publishes BookingErased for the others.

    An appointment to come is cancelled first (`quiet` as there). Raises ErasureLater while it takes place: a clerk is
    waiting.
    """
    if model.changeable(appointment.state, appointment.starts_at, now):
        await cancel_it(deps, tx, appointment, by="citizen", actor=actor, now=now, quiet=quiet)
    elif appointment.state == "booked" and not model.lapses(
        appointment.state, appointment.ends_at, now, here=appointment.citizen_here
    ):
        raise ErasureLater
    await tx.session.flush()
    await waiting.erase(tx, [appointment.id])
    await store.erase(tx, [appointment.id], now)
    event = BookingErased(office=appointment.office, appointment_id=AppointmentId(appointment.id), erased_at=now)
    await tx.publish(event, actor=actor)
