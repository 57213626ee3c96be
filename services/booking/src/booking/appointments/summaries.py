"""Appointments in short, as clerks see them in lists."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self, cast

from pydantic import BaseModel
from typing_extensions import TypedDict

from booking.appointments.model import State
from booking.timetable.model import Unserved
from chassis.database import Row, Transaction
from contracts.booking import Channel
from contracts.ids import AppointmentId, ServiceId

#: What `AppointmentBrief.of` needs of a row of `appointment`.
COLUMNS: Final = "id, reference, lane, starts_at, ends_at, services, state, name, channel, erased_at"


class ServicePersons(TypedDict):
    """A service, and for how many people."""

    service_id: ServiceId
    persons: int


class AppointmentBrief(BaseModel):
    """An appointment in a list. `name` is null once the citizen's data was erased."""

    appointment_id: AppointmentId
    reference: str
    lane: int
    starts_at: datetime
    ends_at: datetime
    services: list[ServicePersons]
    state: State
    name: str | None
    channel: Channel

    @classmethod
    def of(cls, row: Row, **more: Any) -> Self:
        """From a row with `COLUMNS`. What this service stored is not validated again: weeks are long lists."""
        fields: dict[str, Any] = {
            "appointment_id": row["id"],
            "reference": row["reference"],
            "lane": row["lane"],
            "starts_at": row["starts_at"].astimezone(UTC),
            "ends_at": row["ends_at"].astimezone(UTC),
            "services": [_service(service) for service in row["services"]],
            "state": row["state"],
            "name": None if row["erased_at"] else row["name"],
            "channel": row["channel"],
        }
        return cast(Self, cls.model_construct(**fields, **more))


class Conflict(AppointmentBrief):
    """A booked appointment to come that nobody is there for, and why."""

    reason: Unserved


async def to_come(
    tx: Transaction,
    office: str,
    now: datetime,
    *,
    lane: int | None = None,
    low: datetime | None = None,
    high: datetime | None = None,
) -> list[Row]:
    """The booked appointments of `office` that have not ended, by start: all, or of a lane, or between two instants.

    `until` is when the lane is free again.
    """
    return await tx.rows(
        f"""
        SELECT {COLUMNS}, coalesce(busy_until, ends_at) AS until FROM appointment
         WHERE office = :office AND state = 'booked' AND confirm_by IS NULL
           AND starts_at > CAST(:low AS timestamptz) - interval '8 hours' AND ends_at > :low
           AND starts_at < coalesce(CAST(:high AS timestamptz), 'infinity')
           AND (CAST(:lane AS int) IS NULL OR lane = :lane)
         ORDER BY starts_at, lane
        """,  # noqa: S608 - constants of ours
        office=office,
        low=max(now, low) if low else now,
        high=high,
        lane=lane,
    )


def service_ids(row: Row) -> Sequence[str]:
    """The services of a row, for asking which lane is trained for them."""
    return [service["service_id"] for service in row["services"]]


def _service(stored: dict[str, Any]) -> ServicePersons:
    return {"service_id": stored["service_id"], "persons": stored.get("persons", 1)}
