"""The service's own tables. They hold no name and no address of a person; a payment is known by its appointment."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from chassis.tables import instant

LIVE_SQL = "state IN ('requested', 'approval_pending', 'authorised') AND NOT superseded"


class PaymentOrder(SQLModel, table=True):
    """One attempt to get one case paid; model.Order names the columns' meaning."""

    __tablename__ = "payment_order"
    __table_args__ = (
        Index("payment_order_one_live", "case_id", unique=True, postgresql_where=text(LIVE_SQL)),
        Index("payment_order_appointment", "appointment_id", "created_at"),
        Index("payment_order_provider_order", "provider_order_id", unique=True),
        Index("payment_order_authorization", "authorization_id"),
        Index("payment_order_capture", "capture_id"),
        Index(
            "payment_order_unsettled",
            "checked_at",
            postgresql_where=text("state IN ('approval_pending', 'authorised')"),
        ),
        Index("payment_order_receipt", "office", "receipt_number", unique=True),
        CheckConstraint(
            "state IN ('requested', 'approval_pending', 'authorised', 'captured', 'failed', 'voided')",
            name="payment_order_state",
        ),
        CheckConstraint("aim IN ('reserve', 'take', 'release')", name="payment_order_aim"),
        CheckConstraint("amount_cents > 0 AND refunded_cents BETWEEN 0 AND amount_cents", name="payment_order_amounts"),
        CheckConstraint("(state = 'captured') = (receipt_number IS NOT NULL)", name="payment_order_has_receipt"),
    )

    id: UUID = Field(primary_key=True)
    office: str
    appointment_id: UUID
    case_id: UUID
    reference: str
    amount_cents: int
    currency: str
    items: list[dict[str, object]] = Field(sa_column=Column(JSONB, nullable=False))
    language: str
    provider: str
    state: str
    aim: str
    superseded: bool
    provider_order_id: str | None
    approval_url: str | None
    authorization_id: str | None
    capture_id: str | None
    refunded_cents: int
    reason: str | None
    receipt_number: str | None
    requested_at: datetime = Field(sa_column=instant())
    created_at: datetime = Field(sa_column=instant())
    changed_at: datetime = Field(sa_column=instant())
    checked_at: datetime = Field(sa_column=instant())
    """When the provider's books were last read."""


class OrderJob(SQLModel, table=True):
    """An order whose books and the provider's are to be brought together. The row goes when they agree.

    `generation` rises with every new reason to look, so that one that comes during the work is not lost;
    `leased_until` is why a worker that was killed delays the work instead of stopping it.
    """

    __tablename__ = "order_job"
    __table_args__ = (Index("order_job_due", "due_at"),)

    order_id: UUID = Field(primary_key=True, foreign_key="payment_order.id")
    generation: int
    attempts: int
    due_at: datetime = Field(sa_column=instant())
    leased_until: datetime | None = Field(sa_column=instant(nullable=True))
    last_error: str | None


class WebhookDelivery(SQLModel, table=True):
    """A webhook that was accepted. Its body is not kept: it names the payer, and nothing in it is trusted."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (Index("webhook_delivery_received", "received_at"),)

    transmission_id: str = Field(primary_key=True)
    event_id: str
    event_type: str
    order_id: UUID | None
    received_at: datetime = Field(sa_column=instant())


class NewestLink(SQLModel, table=True):
    """The generation of an appointment's newest link, once it has moved. Without a row the first link is good."""

    __tablename__ = "newest_link"

    appointment_id: UUID = Field(primary_key=True)
    office: str
    generation: int


class ClosedAppointment(SQLModel, table=True):
    """An appointment that wants no payment any more, which may be heard before the request that it undoes."""

    __tablename__ = "closed_appointment"

    appointment_id: UUID = Field(primary_key=True)
    office: str
    link_dead: bool
    closed_at: datetime = Field(sa_column=instant())


class Absence(SQLModel, table=True):
    """When the latest word about somebody not coming was said, that they did not or that they came after all."""

    __tablename__ = "absence"

    appointment_id: UUID = Field(primary_key=True)
    office: str
    told_at: datetime = Field(sa_column=instant())


class ReceiptCounter(SQLModel, table=True):
    """The last receipt of an office and year."""

    __tablename__ = "receipt_counter"

    office: str = Field(primary_key=True)
    year: int = Field(primary_key=True)
    last: int
