"""Orders, the work on them, and what webhooks and other services said."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.migrations import create_chassis_tables

revision = "0001"
down_revision = None

LIVE = sa.text("state IN ('requested', 'approval_pending', 'authorised') AND NOT superseded")


def instant(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    create_chassis_tables(op)
    op.create_table(
        "payment_order",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String, nullable=False),
        sa.Column("appointment_id", sa.Uuid, nullable=False),
        sa.Column("case_id", sa.Uuid, nullable=False),
        sa.Column("reference", sa.String, nullable=False),
        sa.Column("amount_cents", sa.Integer, nullable=False),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("items", JSONB, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("provider", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("aim", sa.String, nullable=False),
        sa.Column("superseded", sa.Boolean, nullable=False),
        sa.Column("provider_order_id", sa.String),
        sa.Column("approval_url", sa.String),
        sa.Column("authorization_id", sa.String),
        sa.Column("capture_id", sa.String),
        sa.Column("refunded_cents", sa.Integer, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("receipt_number", sa.String),
        instant("requested_at"),
        instant("created_at"),
        instant("changed_at"),
        instant("checked_at"),
        sa.CheckConstraint(
            "state IN ('requested', 'approval_pending', 'authorised', 'captured', 'failed', 'voided')",
            name="payment_order_state",
        ),
        sa.CheckConstraint("aim IN ('reserve', 'take', 'release')", name="payment_order_aim"),
        sa.CheckConstraint(
            "amount_cents > 0 AND refunded_cents BETWEEN 0 AND amount_cents", name="payment_order_amounts"
        ),
        sa.CheckConstraint("(state = 'captured') = (receipt_number IS NOT NULL)", name="payment_order_has_receipt"),
    )
    op.create_index("payment_order_one_live", "payment_order", ["case_id"], unique=True, postgresql_where=LIVE)
    op.create_index("payment_order_appointment", "payment_order", ["appointment_id", "created_at"])
    op.create_index("payment_order_provider_order", "payment_order", ["provider_order_id"], unique=True)
    op.create_index("payment_order_authorization", "payment_order", ["authorization_id"])
    op.create_index("payment_order_capture", "payment_order", ["capture_id"])
    op.create_index(
        "payment_order_unsettled",
        "payment_order",
        ["checked_at"],
        postgresql_where=sa.text("state IN ('approval_pending', 'authorised')"),
    )
    op.create_index("payment_order_receipt", "payment_order", ["office", "receipt_number"], unique=True)
    op.create_table(
        "order_job",
        sa.Column("order_id", sa.Uuid, sa.ForeignKey("payment_order.id"), primary_key=True),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        instant("due_at"),
        instant("leased_until", nullable=True),
        sa.Column("last_error", sa.String),
    )
    op.create_index("order_job_due", "order_job", ["due_at"])
    op.create_table(
        "webhook_delivery",
        sa.Column("transmission_id", sa.String, primary_key=True),
        sa.Column("event_id", sa.String, nullable=False),
        sa.Column("event_type", sa.String, nullable=False),
        sa.Column("order_id", sa.Uuid),
        instant("received_at"),
    )
    op.create_index("webhook_delivery_received", "webhook_delivery", ["received_at"])
    op.create_table(
        "closed_appointment",
        sa.Column("appointment_id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String, nullable=False),
        sa.Column("link_dead", sa.Boolean, nullable=False),
        instant("closed_at"),
    )
    op.create_table(
        "receipt_counter",
        sa.Column("office", sa.String, primary_key=True),
        sa.Column("year", sa.Integer, primary_key=True),
        sa.Column("last", sa.Integer, nullable=False),
    )
