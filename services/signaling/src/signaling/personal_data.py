"""What signaling stores about whom (`contracts.personal_data`): no names, no addresses, nothing said or shown."""

from typing import Final

from chassis.personal_data import NOTHING, shared_tables
from contracts.personal_data import (
    A_DAY,
    AFTER_APPOINTMENT,
    APPOINTMENT,
    HALF_A_MINUTE,
    LINK,
    NEWEST_ALONE,
    PRESENCE,
    WORK,
    Cell,
    Deleted,
    Key,
    Registry,
    Stays,
    Table,
)

#: Of an erased room a row remains that says of its link that it is dead.
_ROOMS: Final = Table(
    "rooms",
    goes=AFTER_APPOINTMENT,
    of="appointment_id = :appointment",
    cells={
        "starts_at": Cell(APPOINTMENT, Deleted()),
        "ends_at": Cell(APPOINTMENT, Deleted()),
        "stage": Cell(PRESENCE, Deleted()),
        "admitted_at": Cell(PRESENCE, Deleted()),
        "absence_told_at": Cell(PRESENCE, Deleted()),
    },
    nothing=("appointment_id", "office", "link_generation", "state", "revision"),
)

_PARTICIPANTS: Final = Table(
    "participants",
    goes=AFTER_APPOINTMENT,
    of="appointment_id = :appointment",
    cells={
        "role": Cell(PRESENCE, Deleted()),
        "since": Cell(PRESENCE, Deleted()),
        "clerk_id": Cell(WORK, Deleted(), whose="clerk"),
    },
    nothing=("appointment_id", "office"),
)

_CALLS: Final = Table(
    "calls",
    goes=AFTER_APPOINTMENT,
    of="appointment_id = :appointment",
    cells={
        "started_at": Cell(PRESENCE, Deleted()),
        "ended_at": Cell(PRESENCE, Deleted()),
        "clerk_id": Cell(WORK, Deleted(), whose="clerk"),
    },
    nothing=("id", "appointment_id", "office"),
)

_CLERKS_PRESENT: Final = Table(
    "clerks_present",
    goes=NEWEST_ALONE,
    of="",
    cells={"clerks": Cell(WORK, Stays("it tells of clerks alone"), whose="clerk")},
    nothing=("office", "said_at"),
)

REGISTRY: Final = Registry(
    "signaling",
    tables=(
        _ROOMS,
        _PARTICIPANTS,
        _CALLS,
        _CLERKS_PRESENT,
        *shared_tables(Stays("its events know the appointment by its id alone")),
    ),
    nothing=NOTHING,
    keys=(
        Key("signaling:seat:*", HALF_A_MINUTE, PRESENCE),
        Key("signaling:departures", HALF_A_MINUTE, PRESENCE),
        Key("signaling:clerks:*", HALF_A_MINUTE, WORK, whose="clerk"),
        Key("signaling:ticket:*", HALF_A_MINUTE, LINK),
        Key("signaling:told:*", A_DAY, PRESENCE),
        Key("signaling:signed-out:*", A_DAY, WORK, whose="clerk"),
    ),
)
