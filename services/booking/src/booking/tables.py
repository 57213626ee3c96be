"""The service's own tables. What keeps two appointments apart is the database itself, see the exclusion constraint."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, ExcludeConstraint
from sqlmodel import Field, SQLModel

from booking.appointments.model import State
from booking.walkin.model import TicketState
from chassis.tables import instant
from contracts.booking import Channel
from contracts.text import Language

_BOOKED = text("state = 'booked'")
_WAITING = "state IN ('waiting', 'offered')"
_OPEN = text("state = 'open'")
_OCCUPIED_UNTIL = "coalesce(busy_until, ends_at)"


class Appointment(SQLModel, table=True):
    """An appointment of one citizen with one office. `lane` is which of the office's clerks' time it takes.

    The lane is taken until `busy_until`, the end of the pause after it; without a pause this is NULL. Once `erased_at`
    is set, nothing in the row tells of a person any more. While `confirm_by` is set there is no appointment yet: the
    time is kept until somebody says that the address is theirs. `links_mailed` counts how often the link was mailed
    anew on the day `links_mailed_on`, `reminders_revision` how often somebody chose whether to be reminded.
    """

    __tablename__ = "appointment"
    __table_args__ = (
        # One key of office and lane: an office by itself would make this the index that a planner without statistics
        # takes for every question about it. So with e-mail addresses below.
        ExcludeConstraint(
            (text("(office || '/' || CAST(lane AS text))"), "="),
            (func.tstzrange(text("starts_at"), text(_OCCUPIED_UNTIL)), "&&"),
            name="appointment_no_double_booking",
            using="gist",
            where=_BOOKED,
        ),
        UniqueConstraint("office", "reference", name="appointment_reference"),
        CheckConstraint(
            "state IN ('booked', 'cancelled', 'completed', 'aborted', 'no_show', 'lapsed')", name="appointment_state"
        ),
        CheckConstraint("starts_at < ends_at AND ends_at <= starts_at + interval '8 hours'", name="appointment_length"),
        CheckConstraint(
            "busy_until IS NULL OR (ends_at <= busy_until AND busy_until <= ends_at + interval '1 hour')",
            name="appointment_occupied",
        ),
        CheckConstraint("lane >= 0", name="appointment_lane"),
        # Free slots read nothing but this index: a range of starts, bounded by the longest appointment.
        Index(
            "appointment_taken",
            "office",
            "starts_at",
            postgresql_include=["ends_at", "busy_until", "lane", "id"],
            postgresql_where=_BOOKED,
        ),
        # Weeks and statistics: what became of the appointments of a time.
        Index("appointment_over", "office", "starts_at", postgresql_where=text("state <> 'booked'")),
        # What the retention clock erases next.
        Index("appointment_to_erase", "office", "ends_at", postgresql_where=text("erased_at IS NULL")),
        # How many appointments are open under one address, whatever its capitals.
        Index("appointment_open_email", text("(office || '/' || lower(email))"), postgresql_where=_BOOKED),
        Index("appointment_link_strayed", "renew_link_at", postgresql_where=text("renew_link_at IS NOT NULL")),
        Index("appointment_unconfirmed", "confirm_by", postgresql_where=text("confirm_by IS NOT NULL")),
        # Whose calls run now.
        Index(
            "appointment_in_call",
            "office",
            "call_started_at",
            postgresql_where=text("state = 'booked' AND call_started_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    office: str = Field(max_length=40)
    reference: str = Field(max_length=16)
    lane: int = Field(sa_column=Column(SmallInteger, nullable=False))
    starts_at: datetime = Field(sa_column=instant())
    ends_at: datetime = Field(sa_column=instant())
    busy_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    state: State = Field(sa_column=Column(String(16), nullable=False))
    services: list[dict[str, object]] = Field(sa_column=Column(JSONB, nullable=False))
    name: str
    email: str
    phone: str | None = None
    language: Language = Field(sa_column=Column(String(2), nullable=False))
    time_zone: str | None = None
    plain_language: bool = False
    needs: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False, server_default="[]"))
    channel: Channel = Field(default="citizen", sa_column=Column(String(16), nullable=False, server_default="citizen"))
    link_generation: int
    contact_changes: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    contact_revision: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    renew_link_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    booked_at: datetime = Field(sa_column=instant())
    #: Since when it has its time; None: since it was booked.
    taken_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    changed_at: datetime = Field(sa_column=instant())
    resumed_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    citizen_here: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))
    citizen_seen_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    call_started_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    talk_seconds: int | None = Field(default=None, sa_column=Column(Integer))
    erased_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    confirm_by: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    confirm_mails: int = Field(default=1, sa_column=Column(SmallInteger, nullable=False, server_default="1"))
    #: The event that asked last, and whether its mail came back. Both only while `confirm_by` is set.
    confirm_question: UUID | None = None
    confirm_returned: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))
    links_mailed: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    links_mailed_on: date | None = None
    reminders_declined: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default="false"))
    reminders_revision: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))


class TimetableRow(SQLModel, table=True):
    """The timetable of an office, once somebody has edited it. `version` counts the edits."""

    __tablename__ = "timetable"

    office: str = Field(primary_key=True, max_length=40)
    version: int
    document: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))
    changed_by: str
    changed_at: datetime = Field(sa_column=instant())


class TimetableVersion(SQLModel, table=True):
    """A timetable that held from an instant until the next version did, without who the clerks are."""

    __tablename__ = "timetable_version"

    office: str = Field(primary_key=True, max_length=40)
    version: int = Field(primary_key=True)
    held_from: datetime = Field(sa_column=instant())
    document: dict[str, object] = Field(sa_column=Column(JSONB, nullable=False))


class BlockedTime(SQLModel, table=True):
    """A clerk is not there, whatever their shifts say."""

    __tablename__ = "blocked_time"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="blocked_time_order"),
        Index("blocked_time_ending", "office", "ends_at"),
    )

    id: UUID = Field(primary_key=True)
    office: str = Field(max_length=40)
    lane: int = Field(sa_column=Column(SmallInteger, nullable=False))
    starts_at: datetime = Field(sa_column=instant())
    ends_at: datetime = Field(sa_column=instant())
    reason: str = Field(max_length=16)
    note: str | None = None
    created_by: str
    created_at: datetime = Field(sa_column=instant())


class FreedSlot(SQLModel, table=True):
    """A slot that was given back and is on its way to the public; until `public_at` the waiting list is asked first.

    `left_by`: the appointment that was there, whose citizen does not want the slot back.
    """

    __tablename__ = "freed_slot"
    __table_args__ = (Index("freed_slot_ending", "office", "ends_at"),)

    id: UUID = Field(primary_key=True)
    office: str = Field(max_length=40)
    lane: int = Field(sa_column=Column(SmallInteger, nullable=False))
    starts_at: datetime = Field(sa_column=instant())
    ends_at: datetime = Field(sa_column=instant())
    public_at: datetime = Field(sa_column=instant())
    freed_at: datetime = Field(sa_column=instant())
    left_by: UUID | None = None


class WaitingEntry(SQLModel, table=True):
    """Somebody waits for a slot: an earlier one than their appointment's, or, without an appointment, any.

    Those without one have told here who they are and what for; it is wiped when they stop waiting, and their first
    appointment gets this row's id. `unanswered` counts the offers that they let pass one after the other.
    """

    __tablename__ = "waiting_entry"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'offered', 'done', 'left')", name="waiting_entry_state"),
        CheckConstraint(
            "(appointment_id IS NULL) = (services IS NOT NULL AND language IS NOT NULL)", name="waiting_entry_for_what"
        ),
        CheckConstraint("first_day <= last_day", name="waiting_entry_days"),
        Index(
            "waiting_entry_once",
            "appointment_id",
            unique=True,
            postgresql_where=text(f"appointment_id IS NOT NULL AND {_WAITING}"),
        ),
        # First come, first served.
        Index("waiting_entry_queue", "office", "since", "id", postgresql_where=text(_WAITING)),
        Index(
            "waiting_entry_email",
            "office",
            text("lower(email)"),
            postgresql_where=text(f"appointment_id IS NULL AND {_WAITING}"),
        ),
        Index("waiting_entry_appointment", "appointment_id"),
    )

    id: UUID = Field(primary_key=True)
    office: str = Field(max_length=40)
    appointment_id: UUID | None = None
    minutes: int = Field(sa_column=Column(SmallInteger, nullable=False))
    services: list[dict[str, object]] | None = Field(default=None, sa_column=Column(JSONB))
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: Language | None = Field(default=None, sa_column=Column(String(2)))
    time_zone: str | None = None
    plain_language: bool = False
    needs: list[str] | None = Field(default=None, sa_column=Column(JSONB))
    first_day: date | None = None
    last_day: date | None = None
    state: str = Field(max_length=16)
    unanswered: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default="0"))
    since: datetime = Field(sa_column=instant())
    changed_at: datetime = Field(sa_column=instant())


class SlotOffer(SQLModel, table=True):
    """A freed slot, kept for one who waits until `expires_at`. No slot is offered to two, and nobody has two offers.

    `appointment_id` is the appointment that would move, or the id that a new one would get.
    """

    __tablename__ = "slot_offer"
    __table_args__ = (
        ExcludeConstraint(
            ("office", "="),
            ("lane", "="),
            (func.tstzrange(text("starts_at"), text("ends_at")), "&&"),
            name="slot_offer_to_one",
            using="gist",
            where=_OPEN,
        ),
        CheckConstraint("state IN ('open', 'accepted', 'refused', 'expired')", name="slot_offer_state"),
        CheckConstraint("starts_at < ends_at", name="slot_offer_order"),
        Index("slot_offer_one_each", "entry_id", unique=True, postgresql_where=_OPEN),
        Index("slot_offer_open", "office", "expires_at", postgresql_where=_OPEN),
        Index("slot_offer_of", "entry_id"),
        Index("slot_offer_freed", "freed_id"),
    )

    id: UUID = Field(primary_key=True)
    office: str = Field(max_length=40)
    entry_id: UUID = Field(sa_column=Column(ForeignKey("waiting_entry.id", ondelete="CASCADE"), nullable=False))
    freed_id: UUID
    appointment_id: UUID
    lane: int = Field(sa_column=Column(SmallInteger, nullable=False))
    starts_at: datetime = Field(sa_column=instant())
    ends_at: datetime = Field(sa_column=instant())
    state: str = Field(max_length=16)
    offered_at: datetime = Field(sa_column=instant())
    expires_at: datetime = Field(sa_column=instant())
    ended_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class LinkRequest(SQLModel, table=True):
    """Somebody has lost the link to an appointment. It lies here for a moment, whether there is such an appointment or
    not, so that nobody learns it from the answer."""

    __tablename__ = "link_request"

    id: UUID = Field(primary_key=True)
    office: str = Field(max_length=40, index=True)
    reference: str = Field(max_length=16)
    email: str
    asked_at: datetime = Field(sa_column=instant())


class SpentProof(SQLModel, table=True):
    """A proof of work that was good for one thing, and is not good for another until it expires."""

    __tablename__ = "spent_proof"

    id: UUID = Field(primary_key=True)
    expires_at: datetime = Field(sa_column=instant())


class WalkIn(SQLModel, table=True):
    """A number in the queue of those who came without an appointment. `number` counts from 1 each local day.

    Once `erased_at` is set, nothing in the row tells of a person any more.
    """

    __tablename__ = "walk_in"
    __table_args__ = (
        UniqueConstraint("office", "day", "number", name="walk_in_number"),
        CheckConstraint("state IN ('waiting', 'called', 'left', 'gone')", name="walk_in_state"),
        CheckConstraint("(state = 'called') = (appointment_id IS NOT NULL)", name="walk_in_called"),
        Index("walk_in_waiting", "office", "day", "number", postgresql_where=text("state = 'waiting'")),
        Index("walk_in_to_erase", "taken_at", postgresql_where=text("erased_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    office: str = Field(max_length=40)
    day: date
    number: int
    services: list[dict[str, object]] = Field(sa_column=Column(JSONB, nullable=False))
    name: str
    email: str
    phone: str | None = None
    language: Language = Field(sa_column=Column(String(2), nullable=False))
    time_zone: str | None = None
    plain_language: bool = False
    needs: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    state: TicketState = Field(sa_column=Column(String(8), nullable=False))
    taken_at: datetime = Field(sa_column=instant())
    seen_at: datetime = Field(sa_column=instant())
    called_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    appointment_id: UUID | None = None
    erased_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class ClerksPresent(SQLModel, table=True):
    """Which clerks of an office have their workplace open, and when signaling said so."""

    __tablename__ = "clerks_present"

    office: str = Field(primary_key=True, max_length=40)
    clerks: list[UUID] = Field(sa_column=Column(ARRAY(Uuid), nullable=False))
    said_at: datetime = Field(sa_column=instant())
