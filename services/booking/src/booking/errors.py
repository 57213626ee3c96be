"""How booking refuses: every error with a code for programs and an HTTP status."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import JsonValue

from booking.slots.model import Slot
from booking.timetable.model import Refusal
from booking.walkin.model import Unavailable
from chassis.problems import FieldError, Problem


class UnknownOffice(Problem):
    """No such office in this installation."""

    code, status, title = "office_unknown", 404, "There is no such office"

    def __init__(self, office: str) -> None:
        super().__init__(f"There is no office {office[:40]!r} here.")


class UnknownService(Problem):
    """The office does not offer a service. `field` names the one that was asked for."""

    code, status, title = "service_unknown", 422, "The office does not offer this service"

    def __init__(self, field: str) -> None:
        super().__init__(errors=[FieldError(field, "the office does not offer this service")])


class OneAtATime(Problem):
    """A service that is for one person was asked for more. `field` names it."""

    code, status, title = "one_person_only", 422, "This service is for one person at a time"

    def __init__(self, field: str) -> None:
        super().__init__(errors=[FieldError(field, "this service is for one person; book the others separately")])


class OptionInvalid(Problem):
    """An option is missing, unknown, or has a value that is not among its choices."""

    code, status, title = "option_invalid", 422, "Please choose from what the service offers"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(errors=[FieldError(field, message)])


class TooLong(Problem):
    """All services together do not fit into one appointment."""

    code, status, title = "appointment_too_long", 422, "This is too much for one appointment"

    def __init__(self, hours: int) -> None:
        super().__init__(errors=[FieldError("services", f"together they take longer than {hours} hours")])


class RangeTooLong(Problem):
    """Free slots of so many days are not given at once."""

    code, status, title = "range_too_long", 422, "Please ask for fewer days"

    def __init__(self, days: int) -> None:
        super().__init__(errors=[FieldError("to", f"from the first day on, at most {days} days, and not before it")])


class SlotNotOffered(Problem):
    """The office takes no appointment at that time, whoever has booked what."""

    code, status, title = "slot_not_offered", 422, "The office has no appointment at this time"

    _MESSAGES: ClassVar[Mapping[Refusal, str]] = {
        "in_past": "lies in the past",
        "too_soon": "is too soon",
        "beyond_horizon": "is further ahead than the office takes appointments",
        "outside_hours": "is outside the opening hours, or the appointment would not end within them",
        "not_on_grid": "is not the beginning of a slot",
        "nobody_on_duty": "is a time at which nobody is on duty who does this",
    }

    def __init__(self, reason: Refusal, alternatives: Iterable[Slot]) -> None:
        errors = [FieldError("starts_at", self._MESSAGES[reason])]
        super().__init__(errors=errors, reason=reason, alternatives=_as_json(alternatives))


class SlotTaken(Problem):
    """Somebody else has the slot. `alternatives` are free ones, the closest first."""

    code, status, title = "slot_taken", 409, "This slot has just been taken"

    def __init__(self, alternatives: Iterable[Slot]) -> None:
        super().__init__("Please choose another slot.", alternatives=_as_json(alternatives))


class HoldGone(Problem):
    """The hold expired, was given back, or never was."""

    code, status, title = "hold_gone", 404, "The slot is not held any more"


class HoldsUnavailable(Problem):
    """Slots cannot be held now. Booking works all the same: the database decides."""

    code, status, title = "holds_unavailable", 503, "Slots cannot be held at the moment; you can book all the same"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class AppointmentUnknown(Problem):
    """No such appointment, or not of this office: the difference is nobody's business."""

    code, status, title = "appointment_unknown", 404, "There is no such appointment"


class LinkExpired(Problem):
    """The appointment was cancelled or moved, so the old link is dead."""

    code, status, title = "link_expired", 410, "This link is no longer valid"


class NotCancellable(Problem):
    """The appointment has begun or is over."""

    code, status, title = "not_cancellable", 409, "This appointment can no longer be cancelled"


class NotMovable(Problem):
    """The appointment has begun or is over."""

    code, status, title = "not_movable", 409, "This appointment can no longer be moved"


class TooEarly(Problem):
    """Nobody can be said not to have come before some minutes have passed."""

    code, status, title = "too_early", 409, "The citizen may still come"

    def __init__(self, from_: datetime) -> None:
        super().__init__("Please wait a little longer.", possible_from=_rfc3339(from_))


class NotMissed(Problem):
    """The appointment was cancelled, or has taken place."""

    code, status, title = "not_missed", 409, "This appointment was not missed"


class ErasureLater(Problem):
    """The appointment takes place now: first it has to end."""

    code, status, title = "erasure_later", 409, "Your data can be erased when the appointment is over"


class LimitReached(Problem):
    """Too many of them for one person or one place: `reason` says of what, `detail` what to do."""

    code, status, title = "limit_reached", 429, "That is too many"

    def __init__(
        self, detail: str, *, retry_after_seconds: int, reason: Literal["requests", "appointments"] = "requests"
    ) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)}, reason=reason)


class ProofRequired(Problem):
    """Something that bots would grab costs some work now. `challenge` is an altcha challenge (version 2)."""

    code, status, title = "proof_required", 429, "Your device has to do a little work first"

    def __init__(self, challenge: JsonValue) -> None:
        detail = "Solve the challenge and repeat the request with the header Proof-Of-Work."
        super().__init__(detail, challenge=challenge)


class WalkInUnavailable(Problem):
    """Nobody can come without an appointment now. `reason` says why."""

    code, status, title = "walk_in_unavailable", 409, "You cannot come without an appointment at the moment"

    _WHY: ClassVar[Mapping[Unavailable, str]] = {
        "closed": "The office is closed, or closes before there would be time. Please come back or book.",
        "nobody_free": "Nobody has time for you before the office closes. Please come back or book.",
        "switched_off": "This office talks by appointment only. Please book.",
    }

    def __init__(self, reason: Unavailable) -> None:
        super().__init__(self._WHY[reason], reason=reason)


class TicketUnknown(Problem):
    """No such number in the queue, or not of this office: the difference is nobody's business."""

    code, status, title = "ticket_unknown", 404, "There is no such number in the queue"


class AlreadyCalled(Problem):
    """Whoever is called has an appointment: a clerk is waiting."""

    code, status, title = "already_called", 409, "You have been called"

    def __init__(self) -> None:
        super().__init__("A clerk has time for you now: please open the link.")


class RoleMissing(Problem):
    """The clerk may not do this; a lead may."""

    code, status, title = "role_missing", 403, "Only a lead may do this"


class TimetableChanged(Problem):
    """Somebody else saved the timetable in the meantime. `version` is the one that holds."""

    code, status, title = "timetable_changed", 409, "Somebody else has changed the timetable in the meantime"

    def __init__(self, version: int) -> None:
        super().__init__("Please look at the newest timetable and make your changes there.", version=version)


class TimetableInvalid(Problem):
    """The timetable contradicts itself, or names what the office does not have."""

    code, status, title = "timetable_invalid", 422, "The timetable contradicts itself"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("Please correct: " + ", ".join(error.field for error in errors), errors=errors)


class LaneUnknown(Problem):
    """The timetable has no such lane."""

    code, status, title = "lane_unknown", 422, "There is no such clerk in the timetable"

    def __init__(self) -> None:
        super().__init__(errors=[FieldError("lane", "is no lane of the timetable")])


class DaysInvalid(Problem):
    """Nobody can wait for these days. `field` is the bound that cannot be."""

    code, status, title = "days_invalid", 422, "There are no appointments on these days"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(errors=[FieldError(field, message)])


class OfferUnknown(Problem):
    """No such offer, or not any more."""

    code, status, title = "offer_unknown", 404, "There is no such offer"


class OfferOver(Problem):
    """The offer was answered, its time is over, or the slot cannot be had after all."""

    code, status, title = "offer_over", 409, "This offer is over"


class WaitingOver(Problem):
    """The waiting has ended, and is forgotten by now."""

    code, status, title = "waiting_over", 410, "You are not on the waiting list any more"


def _as_json(slots: Iterable[Slot]) -> list[JsonValue]:
    return [{"starts_at": _rfc3339(slot.starts_at), "ends_at": _rfc3339(slot.ends_at)} for slot in slots]


def _rfc3339(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
