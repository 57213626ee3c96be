"""How booking refuses: every error with a code for programs and an HTTP status."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import JsonValue

from booking.slots.model import Slot
from booking.timetable.model import SlotRefusal
from booking.walkin.model import Unavailable
from chassis.problems import FieldError, Problem


class UnknownOffice(Problem):
    """No such office in this installation."""

    code, status, title = "office_unknown", 404, "There is no such office"

    def __init__(self, office: str) -> None:
        super().__init__(f"There is no office {office[:40]!r} here.")


class NotConfirmedInTime(Problem):
    """Nobody confirmed the address while the time was kept; it is free for others, and the person is forgotten."""

    code, status, title = "not_confirmed_in_time", 410, "The time is not kept any more"

    def __init__(self) -> None:
        super().__init__("The e-mail address was not confirmed in time. Please choose a time again.")


class NotReserved(Problem):
    """There is nothing to ask any more: the address was confirmed, or the appointment cancelled."""

    code, status, title = "not_reserved", 409, "The address is confirmed already"

    def __init__(self) -> None:
        super().__init__("The appointment can be changed through its link, which was mailed.")


class ConfirmMailsUsedUp(Problem):
    """As many mails were asked for as one reservation may bring about."""

    code, status, title = "confirm_mails_used_up", 409, "No more e-mails can be sent for this time"

    def __init__(self) -> None:
        super().__init__("Please look into the mailbox, also among unwanted e-mails, or choose a time again later.")


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

    _MESSAGES: ClassVar[Mapping[SlotRefusal, str]] = {
        "in_past": "lies in the past",
        "too_soon": "is too soon",
        "beyond_horizon": "is further ahead than the office takes appointments",
        "outside_hours": "is outside the opening hours, or the appointment would not end within them",
        "not_on_grid": "is not a time at which an appointment begins",
        "nobody_on_duty": "is a time at which nobody is on duty who does this",
    }

    def __init__(self, reason: SlotRefusal, alternatives: Iterable[Slot]) -> None:
        errors = [FieldError("starts_at", self._MESSAGES[reason])]
        super().__init__(errors=errors, reason=reason, alternatives=_as_json(alternatives))


class SlotTaken(Problem):
    """Somebody else has the slot. `alternatives` are free ones, the closest first."""

    code, status, title = "slot_taken", 409, "This time has just been taken"

    def __init__(self, alternatives: Iterable[Slot]) -> None:
        super().__init__("Please choose another slot.", alternatives=_as_json(alternatives))


class HoldGone(Problem):
    """The hold expired, was given back, or never was."""

    code, status, title = "hold_gone", 404, "The time is not reserved any more"


class HoldsUnavailable(Problem):
    """Slots cannot be held now. Booking works all the same: the database decides."""

    code, status, title = "holds_unavailable", 503, "Times cannot be reserved at the moment; you can book all the same"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class AppointmentUnknown(Problem):
    """No such appointment, or not of this office: the difference is nobody's business."""

    code, status, title = "appointment_unknown", 404, "There is no such appointment"


class LinkExpired(Problem):
    """The appointment was cancelled or moved, so the old link is dead.

    `reason` says so if it was cancelled, to who had the link that was good until then: nobody else is told.
    """

    code, status, title = "link_expired", 410, "This link is no longer valid"

    def __init__(self, detail: str, *, reason: Literal["cancelled"] | None = None) -> None:
        super().__init__(detail)
        if reason is not None:
            self.extra["reason"] = reason


class NotCancellable(Problem):
    """The appointment has begun or is over."""

    code, status, title = "not_cancellable", 409, "This appointment can no longer be cancelled"


class NotMovable(Problem):
    """The appointment has begun or is over."""

    code, status, title = "not_movable", 409, "This appointment can no longer be moved"


class NotCorrectable(Problem):
    """The appointment has begun or is over."""

    code, status, title = "not_correctable", 409, "The address can no longer be changed by you"

    def __init__(self) -> None:
        super().__init__("Please tell the clerk, or call the office.")


class CorrectionsUsedUp(Problem):
    """The holder of the link has corrected the address as often as one may."""

    code, status, title = "corrections_used_up", 409, "The address was changed too often"

    def __init__(self) -> None:
        super().__init__("Please call the office: it can still change the address for you.")


class TooEarly(Problem):
    """Nobody can be said not to have come before some minutes have passed."""

    code, status, title = "too_early", 409, "The person may still come"

    def __init__(self, from_: datetime) -> None:
        super().__init__("Please wait a little longer.", possible_from=_rfc3339(from_))


class NotMissed(Problem):
    """The appointment was cancelled, or has taken place."""

    code, status, title = "not_missed", 409, "This appointment was not missed"


class NotResumable(Problem):
    """There is no no-show that could be taken back: `reason` says why."""

    code, status, title = "not_resumable", 409, "This appointment cannot be taken up again"

    _WHY: ClassVar[Mapping[str, str]] = {
        "not_missed": "Nobody has said that the person did not come, or the appointment was cancelled or erased.",
        "another_day": "That they came after all can be said on the day of the appointment. Please book a new one.",
    }

    def __init__(self, reason: Literal["not_missed", "another_day"]) -> None:
        super().__init__(self._WHY[reason], reason=reason)


class CitizenHere(Problem):
    """Nobody says of a citizen who waits or talks that they did not come."""

    code, status, title = "citizen_here", 409, "The person is in the waiting room or in the call"


class ErasureLater(Problem):
    """The appointment takes place now: first it has to end."""

    code, status, title = "erasure_later", 409, "Your data can be erased when the appointment is over"


class LimitReached(Problem):
    """Too many from one network, by one link or to one mailbox: `reason` says which, `detail` what to do."""

    code, status, title = "limit_reached", 429, "That is too many"

    def __init__(
        self, detail: str, *, retry_after_seconds: int, reason: Literal["requests", "link", "mailbox"] = "requests"
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
        "nobody_here": "Nobody is at the office's desks at the moment. Please come back later or book.",
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

    code, status, title = (
        "timetable_changed",
        409,
        "Somebody else has changed the opening hours or the team in the meantime",
    )

    def __init__(self, version: int) -> None:
        super().__init__("Please look at the newest timetable and make your changes there.", version=version)


class TimetableInvalid(Problem):
    """The opening hours or the team contradict themselves, or names what the office does not have."""

    code, status, title = "timetable_invalid", 422, "The opening hours or the team contradict themselves"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("Please correct: " + ", ".join(error.field for error in errors), errors=errors)


class LaneUnknown(Problem):
    """The timetable has no such lane."""

    code, status, title = "lane_unknown", 422, "There is no such clerk in the team"

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
