"""What travels over HTTP about timetables and blocked times."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationInfo, field_validator

from booking.appointments.summaries import Conflict
from booking.fields import StartsAt
from booking.timetable.document import Timetable
from chassis.database import Row
from chassis.http import Body
from contracts.characters import without_invisible

MAX_BLOCKED: Final = timedelta(days=400)

BlockReason = Literal["sick", "leave", "training", "other"]


def after(first: datetime | None, last: datetime) -> datetime:
    """`last`, for a validator. Raises ValueError unless it is after `first` (None: not valid itself), but not long."""
    if first is not None and not first < last <= first + MAX_BLOCKED:
        raise ValueError(f"must be after the beginning, by at most {MAX_BLOCKED.days} days")
    return last


class TimetableRequest(Timetable):
    """The whole timetable as it shall be from now on. `version` is the one that was edited."""

    version: int = Field(ge=0, lt=2**31 - 1)


class TimetableView(Timetable):
    """The timetable that holds; version 0 is the office's file."""

    version: int

    @classmethod
    def of(cls, version: int, timetable: Timetable) -> Self:
        """`timetable` without what is only for the store."""
        return cls.model_validate(_fields(timetable) | {"version": version})


class TimetableSaved(TimetableView):
    """The timetable as it was stored, and the appointments to come that nobody is there for now."""

    conflicts: list[Conflict]

    @classmethod
    def saved(cls, version: int, timetable: Timetable, conflicts: list[Conflict]) -> Self:
        """`timetable` with what it left behind."""
        return cls.model_validate(_fields(timetable) | {"version": version, "conflicts": conflicts})


class BlockRequest(Body):
    """A clerk is not there from `starts_at` to `ends_at`. The reason is for the leads, the note has no diagnosis."""

    lane: int = Field(ge=0, lt=32_000)
    starts_at: StartsAt
    ends_at: StartsAt
    reason: BlockReason
    note: Annotated[str, StringConstraints(max_length=200), AfterValidator(without_invisible)] | None = None

    @field_validator("ends_at")
    @classmethod
    def _in_order(cls, ends_at: datetime, info: ValidationInfo) -> datetime:
        return after(info.data.get("starts_at"), ends_at)


class BlockedTimeView(BaseModel):
    """A blocked time. Why somebody is away is shown to leads and to themselves; others read "other"."""

    id: UUID
    lane: int
    starts_at: datetime
    ends_at: datetime
    reason: BlockReason
    note: str | None

    @classmethod
    def of(cls, row: Row, *, openly: bool) -> Self:
        """From a row of `blocked_time`; without `openly`, the reason stays with the leads."""
        return cls.model_validate(_blocked(row, openly=openly))


class BlockedTimes(BaseModel):
    """Blocked times, by start."""

    blocked_times: list[BlockedTimeView]


class Blocked(BlockedTimeView):
    """A blocked time, and the appointments to come that nobody is there for because of it."""

    conflicts: list[Conflict]

    @classmethod
    def made(cls, row: Row, conflicts: list[Conflict]) -> Self:
        """The row with what it left behind, for the one who blocked it."""
        return cls.model_validate(_blocked(row, openly=True) | {"conflicts": conflicts})


def _fields(timetable: Timetable) -> dict[str, object]:
    return {name: getattr(timetable, name) for name in Timetable.model_fields}


def _blocked(row: Row, *, openly: bool) -> dict[str, object]:
    return {
        "id": row["id"],
        "lane": row["lane"],
        "starts_at": row["starts_at"].astimezone(UTC),
        "ends_at": row["ends_at"].astimezone(UTC),
        "reason": row["reason"] if openly else "other",
        "note": row["note"] if openly else None,
    }
