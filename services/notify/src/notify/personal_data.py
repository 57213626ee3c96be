"""What notify stores about whom (`contracts.personal_data`): what erases, what hands out and the docs follow."""

from typing import Final

from chassis.personal_data import NOTHING, shared_tables
from contracts.personal_data import (
    AFTER_APPOINTMENT,
    APPOINTMENT,
    CONTACT,
    LANGUAGE,
    MESSAGE,
    NAME,
    NO_REMINDERS,
    PLAIN_LANGUAGE,
    PRESENCE,
    Cell,
    Deleted,
    Emptied,
    Registry,
    Stays,
    Table,
)

_NOBODY: Final = Emptied("''")
_NULL: Final = Emptied("NULL")
_THAT_IT_WENT: Final = Stays("that a message of some kind went out, and when, tells of nobody")

_RECIPIENT: Final = Table(
    "recipient",
    goes=AFTER_APPOINTMENT,
    of="appointment_id = :appointment",
    cells={
        "name": Cell(NAME, _NOBODY),
        "email": Cell(CONTACT, _NOBODY),
        "corrected_email": Cell(CONTACT, _NULL),
        "phone": Cell(CONTACT, _NULL),
        "language": Cell(LANGUAGE, _NOBODY),
        "time_zone": Cell(LANGUAGE, _NULL),
        "plain_language": Cell(PLAIN_LANGUAGE, Emptied("false")),
        "reference": Cell(APPOINTMENT, _NOBODY),
        "ends_at": Cell(APPOINTMENT, _NULL),
        # What mails are written from, the link among it.
        "appointment": Cell(MESSAGE, _NULL),
        "absence_told_at": Cell(PRESENCE, _NULL),
        "reminders_declined": Cell(NO_REMINDERS, Emptied("false")),
    },
    nothing=(
        "appointment_id", "office", "link_generation", "over", "settled", "erased_at", "contact_generation",
        "contact_revision", "reminders_revision",
    ),
)  # fmt: skip

_MESSAGE: Final = Table(
    "message",
    goes=AFTER_APPOINTMENT,
    of="appointment_id = :appointment",
    cells={
        "recipient": Cell(CONTACT, _NOBODY),
        "context": Cell(MESSAGE, Emptied("'{}'")),
        "language": Cell(LANGUAGE, _NOBODY),
        "plain_language": Cell(PLAIN_LANGUAGE, Emptied("false")),
        "kind": Cell(MESSAGE, _THAT_IT_WENT),
        "channel": Cell(MESSAGE, _THAT_IT_WENT),
        "state": Cell(MESSAGE, _THAT_IT_WENT),
        "created_at": Cell(MESSAGE, _THAT_IT_WENT),
        "settled_at": Cell(MESSAGE, _THAT_IT_WENT),
        "trouble": Cell(MESSAGE, _THAT_IT_WENT),
        "tries": Cell(MESSAGE, _THAT_IT_WENT),
        # Under which ids the log and the traces tell of it.
        "carried": Cell(MESSAGE, _NULL),
    },
    nothing=(
        "id", "key", "office", "appointment_id", "cause", "next_try_at", "valid_until", "claimed_by", "claimed_until",
    ),
)  # fmt: skip

_REMINDER: Final = Table(
    "reminder",
    goes=AFTER_APPOINTMENT,
    of="appointment_id = :appointment",
    cells={"due_at": Cell(MESSAGE, Deleted()), "valid_until": Cell(APPOINTMENT, Deleted())},
    nothing=("id", "appointment_id"),
)

REGISTRY: Final = Registry(
    "notify",
    tables=(
        _RECIPIENT,
        _MESSAGE,
        _REMINDER,
        *shared_tables(Stays("its events know the appointment by its id alone")),
    ),
    nothing=NOTHING,
)
