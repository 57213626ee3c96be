"""What booking stores about whom (`contracts.personal_data`): what erases, what hands out and the docs follow."""

from typing import Final

from chassis.personal_data import NOTHING, shared_tables
from contracts.personal_data import (
    A_DAY,
    ABUSE,
    AFTER_ABSENCE,
    AFTER_APPOINTMENT,
    AFTER_WAITING,
    APPOINTMENT,
    CHOICES,
    CONTACT,
    LANGUAGE,
    LINK,
    NAME,
    NEEDS,
    NEWEST_ALONE,
    NO_REMINDERS,
    PLAIN_LANGUAGE,
    PRESENCE,
    WAITING,
    WITHIN_A_DAY,
    WORK,
    Cell,
    Deleted,
    Emptied,
    Key,
    Registry,
    Stays,
    Table,
    Told,
    Untold,
)

_NOBODY: Final = Emptied("''")
_NULL: Final = Emptied("NULL")
_NO: Final = Emptied("false")
#: Services stay without what was chosen for them, which says what somebody needs the service for.
_SERVICES: Final = (
    "(SELECT coalesce(jsonb_agg(service - 'options'), '[]') FROM jsonb_array_elements(services) AS service)"
)
_WITHOUT_OPTIONS: Final = Emptied(_SERVICES)
#: NULL of those who wait with an appointment: that has them.
_THEIRS_WITHOUT_OPTIONS: Final = Emptied(f"CASE WHEN services IS NOT NULL THEN {_SERVICES} END")
_STATISTICS: Final = Stays("the statistics count it, and nothing with it tells of whom")
_UNCONFIRMED: Final = Stays("empty once the appointment stands; what nobody confirms is deleted, after half an hour")
_CLERKS: Final = Stays("it tells of clerks alone")

_APPOINTMENT: Final = Table(
    "appointment",
    goes=AFTER_APPOINTMENT,
    of="id = :appointment",
    cells={
        "name": Cell(NAME, _NOBODY, Told("name")),
        "email": Cell(CONTACT, _NOBODY, Told("email")),
        "phone": Cell(CONTACT, _NULL, Told("phone")),
        "language": Cell(LANGUAGE, Stays("one of two languages tells nobody apart"), Told("language")),
        "time_zone": Cell(LANGUAGE, _NULL, Told("time_zone")),
        "plain_language": Cell(PLAIN_LANGUAGE, _NO, Told("plain_language")),
        "needs": Cell(NEEDS, Emptied("'[]'"), Told("needs")),
        "services": Cell(CHOICES, _WITHOUT_OPTIONS, Told("services"), key="options"),
        "reference": Cell(APPOINTMENT, Stays("a number is never given twice"), Told("reference")),
        "starts_at": Cell(APPOINTMENT, _STATISTICS, Told("starts_at")),
        "ends_at": Cell(APPOINTMENT, _STATISTICS, Told("ends_at")),
        "state": Cell(APPOINTMENT, _STATISTICS, Told("state")),
        "channel": Cell(APPOINTMENT, _STATISTICS, Told("channel")),
        "booked_at": Cell(APPOINTMENT, _STATISTICS, Told("booked_at")),
        "taken_at": Cell(APPOINTMENT, _STATISTICS, Told("taken_at")),
        "changed_at": Cell(APPOINTMENT, _STATISTICS, Told("changed_at")),
        "resumed_at": Cell(PRESENCE, _STATISTICS, Told("resumed_at")),
        "contact_changes": Cell(LINK, Stays("how often tells of nobody"), Told("contact_changes")),
        "links_mailed": Cell(LINK, Stays("how often tells of nobody"), Told("links_mailed")),
        "links_mailed_on": Cell(LINK, _NULL, Told("links_mailed_on")),
        "reminders_declined": Cell(NO_REMINDERS, _NO, Told("reminders_declined")),
        "reminders_revision": Cell(NO_REMINDERS, Stays("how often tells of nobody")),
        "confirm_by": Cell(LINK, _UNCONFIRMED),
        "confirm_mails": Cell(LINK, Stays("how often tells of nobody")),
        "confirm_returned": Cell(LINK, _UNCONFIRMED),
        "citizen_here": Cell(PRESENCE, _NO, Told("citizen_here")),
        "citizen_seen_at": Cell(PRESENCE, _NULL, Told("citizen_seen_at")),
        "call_started_at": Cell(PRESENCE, _STATISTICS, Told("call_started_at")),
        "talk_seconds": Cell(PRESENCE, _STATISTICS, Told("talk_seconds")),
        "lane": Cell(WORK, _STATISTICS, whose="clerk"),
    },
    nothing=(
        "id", "office", "busy_until", "link_generation", "contact_revision", "renew_link_at", "erased_at",
        "confirm_question",
    ),
)  # fmt: skip

_WAITING_ENTRY: Final = Table(
    "waiting_entry",
    goes=AFTER_WAITING,
    of="(appointment_id = :appointment OR id = :appointment)",
    cells={
        "name": Cell(NAME, _NULL, Told("citizen.name")),
        "email": Cell(CONTACT, _NULL, Told("citizen.email")),
        "phone": Cell(CONTACT, _NULL, Told("citizen.phone")),
        "language": Cell(LANGUAGE, Stays("one of two languages tells nobody apart"), Told("citizen.language")),
        "time_zone": Cell(LANGUAGE, _NULL, Told("citizen.time_zone")),
        "plain_language": Cell(PLAIN_LANGUAGE, _NO, Told("citizen.plain_language")),
        "needs": Cell(NEEDS, _NULL, Told("needs")),
        "services": Cell(CHOICES, _THEIRS_WITHOUT_OPTIONS, Told("services"), key="options"),
        "first_day": Cell(WAITING, Stays("a day tells of nobody"), Told("first")),
        "last_day": Cell(WAITING, Stays("a day tells of nobody"), Told("last")),
        "state": Cell(WAITING, Stays("the page of the offer says what became of it"), Told("state")),
        "since": Cell(WAITING, Stays("the order of those who wait; nothing with it tells of whom"), Told("since")),
    },
    nothing=("id", "office", "appointment_id", "minutes", "unanswered", "changed_at"),
)

_WALK_IN: Final = Table(
    "walk_in",
    goes=WITHIN_A_DAY,
    of="(id = :appointment OR appointment_id = :appointment)",
    cells={
        "name": Cell(NAME, _NOBODY),
        "email": Cell(CONTACT, _NOBODY),
        "phone": Cell(CONTACT, _NULL),
        "language": Cell(LANGUAGE, Stays("one of two languages tells nobody apart")),
        "time_zone": Cell(LANGUAGE, _NULL),
        "plain_language": Cell(PLAIN_LANGUAGE, _NO),
        "needs": Cell(NEEDS, Emptied("'[]'")),
        "services": Cell(CHOICES, _WITHOUT_OPTIONS, key="options"),
        "number": Cell(WAITING, _STATISTICS),
        "day": Cell(WAITING, _STATISTICS),
        "state": Cell(WAITING, _STATISTICS),
        "taken_at": Cell(WAITING, _STATISTICS),
        "seen_at": Cell(PRESENCE, _STATISTICS),
        "called_at": Cell(WAITING, _STATISTICS),
    },
    nothing=("id", "office", "appointment_id", "erased_at"),
)

_SLOT_OFFER: Final = Table(
    "slot_offer",
    goes=AFTER_WAITING,
    of="(appointment_id = :appointment OR entry_id = :appointment)",
    cells={
        "starts_at": Cell(WAITING, Deleted()),
        "state": Cell(WAITING, Deleted()),
        "offered_at": Cell(WAITING, Deleted()),
        "expires_at": Cell(WAITING, Deleted()),
        "ended_at": Cell(WAITING, Deleted()),
        "lane": Cell(WORK, Deleted(), whose="clerk"),
    },
    nothing=("id", "office", "entry_id", "freed_id", "appointment_id", "ends_at"),
)

_LINK_REQUEST: Final = Table(
    "link_request",
    goes=A_DAY,
    of="(office, reference) = (SELECT office, reference FROM appointment WHERE id = :appointment)",
    cells={
        "reference": Cell(APPOINTMENT, Deleted()),
        "email": Cell(CONTACT, Deleted(), Untold("whoever asks types it, and may be somebody else")),
        "asked_at": Cell(LINK, Deleted()),
    },
    nothing=("id", "office"),
)

_TIMETABLE: Final = Table(
    "timetable",
    goes=NEWEST_ALONE,
    of="",
    cells={
        "document": Cell(WORK, _CLERKS, whose="clerk", key="roster"),
        "changed_by": Cell(WORK, _CLERKS, whose="clerk"),
    },
    nothing=("office", "version", "changed_at"),
)

_BLOCKED_TIME: Final = Table(
    "blocked_time",
    goes=AFTER_ABSENCE,
    of="",
    cells={
        "lane": Cell(WORK, _STATISTICS, whose="clerk"),
        "starts_at": Cell(WORK, _STATISTICS, whose="clerk"),
        "ends_at": Cell(WORK, _STATISTICS, whose="clerk"),
        "reason": Cell(WORK, Emptied("'other'"), whose="clerk"),
        "note": Cell(WORK, _NULL, whose="clerk"),
        "created_by": Cell(WORK, _NOBODY, whose="clerk"),
    },
    nothing=("id", "office", "created_at"),
)

_CLERKS_PRESENT: Final = Table(
    "clerks_present",
    goes=NEWEST_ALONE,
    of="",
    cells={"clerks": Cell(WORK, _CLERKS, whose="clerk")},
    nothing=("office", "said_at"),
)

REGISTRY: Final = Registry(
    "booking",
    tables=(
        _APPOINTMENT,
        _WAITING_ENTRY,
        _SLOT_OFFER,
        _WALK_IN,
        _LINK_REQUEST,
        _TIMETABLE,
        _BLOCKED_TIME,
        _CLERKS_PRESENT,
        *shared_tables(Deleted()),
    ),
    nothing=NOTHING
    | {
        # What held then, without who the clerks are.
        "timetable_version": ("office", "version", "held_from", "document"),
        "freed_slot": ("id", "office", "lane", "starts_at", "ends_at", "public_at", "freed_at", "left_by"),
        "spent_proof": ("id", "expires_at"),
    },
    keys=(Key("booking:{*}:limit:*", A_DAY, ABUSE),),
    # A time that somebody looks at, while they type: under an id that is told to their browser alone.
    keys_of_nobody=("booking:{*}:holds", "booking:{*}:hold:*"),
)
