"""What all events share: the data (`Event`) and the attributes that travel beside it (`Meta`).

On the wire an event is a CloudEvents 1.0 message in binary mode: `Meta` in the headers, the data as JSON in the body.
"""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self
from uuid import UUID, uuid4

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from contracts.ids import AppointmentId, OfficeSlug

CONTENT_TYPE = "application/json"
#: Distributed-tracing context (W3C), the correlation of one user action, and the acting person: CloudEvents extensions.
_EXTENSIONS = ("traceparent", "correlationid", "actor")


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _rfc3339(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


#: An instant: aware, turned to UTC when read, written as RFC 3339 with `Z`.
Instant = Annotated[
    AwareDatetime, AfterValidator(_to_utc), PlainSerializer(_rfc3339, return_type=str, when_used="json")
]
Cents = Annotated[int, Field(ge=0, le=10_000_000, description="Money in minor currency units (euro cents).")]


class Part(BaseModel):
    """A value inside an event: immutable; unknown fields of a newer publisher are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Event(Part):
    """A fact about one office, published once under a literal subject.

    `FORGETS`: whom it is about is to be forgotten, also by the publisher's own copies of what it published before.
    """

    SUBJECT: ClassVar[str]
    FORGETS: ClassVar[bool] = False

    office: OfficeSlug

    @property
    def about(self) -> str:
        """What the fact is about, the subject of CloudEvents: the office itself, unless a class says more."""
        return self.office


class AppointmentEvent(Event):
    """A fact about one appointment of one office."""

    appointment_id: AppointmentId

    @property
    def about(self) -> str:
        """The appointment."""
        return str(self.appointment_id)


class Meta(BaseModel):
    """The CloudEvents attributes of one event.

    `id` is the event's identity everywhere: in the outbox, as `Nats-Msg-Id`, and in every consumer's inbox.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    id: UUID
    source: str
    type: str
    time: Instant
    subject: str
    actor: str | None = None
    correlationid: str | None = None
    traceparent: str | None = None

    @classmethod
    def of(
        cls,
        event: Event,
        *,
        now: datetime,
        actor: str | None = None,
        correlationid: str | None = None,
        traceparent: str | None = None,
    ) -> Self:
        """Attributes for a new `event`, with a fresh id. `actor` is "citizen", "clerk:<id>" or "system:<service>"."""
        return cls(
            id=uuid4(),
            source=f"schalter/{event.SUBJECT.split('.', 1)[0]}",
            type=event.SUBJECT,
            time=now,
            subject=event.about,
            actor=actor,
            correlationid=correlationid,
            traceparent=traceparent,
        )

    def headers(self) -> dict[str, str]:
        """The message headers of CloudEvents' binary mode, with JetStream's deduplication id."""
        headers = {
            "Nats-Msg-Id": str(self.id),
            "ce-specversion": "1.0",
            "ce-id": str(self.id),
            "ce-source": self.source,
            "ce-type": self.type,
            "ce-time": _rfc3339(self.time),
            "ce-subject": self.subject,
            "content-type": CONTENT_TYPE,
        }
        for name in _EXTENSIONS:
            value = getattr(self, name)
            if value:
                headers[f"ce-{name}"] = value
        return headers

    @classmethod
    def from_headers(cls, headers: dict[str, str]) -> Self:
        """Read back `headers()`. Raises pydantic.ValidationError when a required attribute is missing or malformed."""
        return cls.model_validate({name[3:]: value for name, value in headers.items() if name.startswith("ce-")})
