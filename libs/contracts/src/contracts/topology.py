"""Who publishes what, and who listens. Streams, consumers and the bus permissions of every service derive from this."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contracts import booking, casework, notify, payment, signaling
from contracts.base import Event

SERVICES: Final = ("booking", "signaling", "casework", "payment", "notify")

PUBLISHES: Final[Mapping[str, tuple[type[Event], ...]]] = {
    "booking": (
        booking.BookingCompleted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
        booking.BookingErased,
        booking.ConfirmationAsked,
        booking.LinkAsked,
        booking.RemindersChosen,
        booking.SlotOffered,
        booking.WaitingJoined,
        booking.WaitingEnded,
    ),
    "signaling": (
        signaling.ParticipantWaiting,
        signaling.ParticipantLeft,
        signaling.Admitted,
        signaling.CallStarted,
        signaling.CallEnded,
        signaling.CheckFinished,
        signaling.ClerksPresent,
    ),
    "casework": (
        casework.CaseOpened,
        casework.StageChanged,
        casework.ApplicationConfirmed,
        casework.Signed,
        casework.PaymentRequested,
        casework.CaseCompleted,
        casework.CaseAborted,
        casework.SessionsEnded,
    ),
    "payment": (
        payment.PaymentAuthorised,
        payment.PaymentCaptured,
        payment.PaymentRefunded,
        payment.PaymentFailed,
        payment.PaymentVoided,
    ),
    "notify": (notify.Delivered, notify.Failed),
}

CONSUMES: Final[Mapping[str, tuple[type[Event], ...]]] = {
    "booking": (
        casework.CaseCompleted,
        casework.CaseAborted,
        signaling.ParticipantWaiting,
        signaling.ParticipantLeft,
        signaling.CallStarted,
        signaling.CallEnded,
        signaling.ClerksPresent,
        notify.Failed,
    ),
    "signaling": (
        booking.BookingCompleted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
        booking.BookingErased,
        casework.CaseOpened,
        casework.StageChanged,
        casework.ApplicationConfirmed,
        casework.Signed,
        casework.CaseCompleted,
        casework.CaseAborted,
        casework.SessionsEnded,
    ),
    "casework": (
        booking.BookingCompleted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
        booking.BookingErased,
        signaling.ParticipantWaiting,
        signaling.ParticipantLeft,
        signaling.Admitted,
        signaling.CallStarted,
        signaling.CallEnded,
        signaling.CheckFinished,
        *PUBLISHES["payment"],
        *PUBLISHES["notify"],
    ),
    "payment": (
        casework.PaymentRequested,
        casework.CaseCompleted,
        casework.CaseAborted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
    ),
    "notify": (
        booking.BookingCompleted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
        booking.BookingErased,
        booking.ConfirmationAsked,
        booking.LinkAsked,
        booking.RemindersChosen,
        booking.SlotOffered,
        booking.WaitingJoined,
        booking.WaitingEnded,
        payment.PaymentCaptured,
        payment.PaymentRefunded,
        casework.CaseCompleted,
        casework.CaseAborted,
    ),
}

EVENTS: Final[Mapping[str, type[Event]]] = {event.SUBJECT: event for events in PUBLISHES.values() for event in events}
#: After one of these nothing is kept of whom it is about.
FORGETTING: Final = tuple(subject for subject, event in EVENTS.items() if event.FORGETS)


@dataclass(frozen=True)
class Stream:
    """A JetStream stream: every service has one for its events, and one for its dead letters.

    `batches`: whether many messages may come as one that is stored whole or not at all.
    """

    name: str
    subjects: tuple[str, ...]
    max_age: timedelta
    max_bytes: int
    batches: bool = True


@dataclass(frozen=True)
class Consumer:
    """A durable consumer: how far a service is with one kind of event. `subject` is all that it gets of `stream`."""

    name: str
    stream: str
    subject: str


#: For how long a stream knows the ids of what was published, so that a repetition is not stored.
DUPLICATE_WINDOW: Final = timedelta(minutes=2)
#: After how long of silence the bus hands a message out again. Short, because it may have died on its way here with the
#: bus, or in a service that was killed; so who works on one longer says so (chassis.pull).
ACK_WAIT: Final = timedelta(seconds=2)
MAX_ACK_PENDING: Final = 1000


def dead_letters(service: str) -> Stream:
    """The stream of what `service` cannot process. Each has its own, so that none drives out another's letters."""
    name, subjects = f"DEAD_LETTERS_{service.upper()}", (f"dead.{service}.>",)
    return Stream(name, subjects, timedelta(days=30), 64 * 1024**2, batches=False)


DEAD_LETTERS: Final[Mapping[str, Stream]] = {service: dead_letters(service) for service in SERVICES}
#: Where all services' letters lay once. Nobody can write there now; it goes when it is empty (`schalter bus apply`).
FORMER_DEAD_LETTERS: Final = Stream("DEAD_LETTERS", ("former.dead",), timedelta(days=30), 64 * 1024**2, batches=False)
STREAMS: Final[Mapping[str, Stream]] = {
    service: Stream(service.upper(), (f"{service}.>",), timedelta(days=14), 256 * 1024**2) for service in SERVICES
}
#: All that there shall be on the bus.
ALL_STREAMS: Final = (*STREAMS.values(), *DEAD_LETTERS.values())


def durable(service: str, event: type[Event]) -> str:
    """The durable consumer of `service` for `event`: also the consumer's name in the inbox."""
    return f"{service}-{event.SUBJECT.replace('.', '-')}"


def consumer(service: str, event: type[Event]) -> Consumer:
    """The consumer through which `service` hears of `event`."""
    return Consumer(durable(service, event), stream_of(event.SUBJECT), event.SUBJECT)


def stream_of(subject: str) -> str:
    """The name of the stream that keeps what is published under `subject`."""
    first, second, *_ = subject.split(".", 2)
    return dead_letters(second).name if first == "dead" else first.upper()


def dead_letter_subject(service: str, subject: str) -> str:
    """Where `service` puts a message of `subject` that it cannot process."""
    return f"dead.{service}.{subject}"
