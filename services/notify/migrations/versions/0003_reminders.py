"""Reminders, plain language, and what they need to know: the appointment as the newest event tells it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("recipient", sa.Column("phone", sa.String))
    op.add_column("recipient", sa.Column("plain_language", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("recipient", sa.Column("corrected_email", sa.String))
    op.add_column("recipient", sa.Column("appointment", JSONB))
    op.add_column("recipient", sa.Column("ends_at", sa.DateTime(timezone=True)))
    op.add_column("recipient", sa.Column("settled", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("message", sa.Column("plain_language", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("message", sa.Column("channel", sa.String(4), nullable=False, server_default="mail"))
    # What the retention clock goes by, for those who were written to before it was kept.
    op.execute(
        "UPDATE recipient SET ends_at = told.ends_at FROM ("
        " SELECT appointment_id, max((context ->> 'ends_at')::timestamptz) AS ends_at FROM message"
        " GROUP BY appointment_id) AS told WHERE told.appointment_id = recipient.appointment_id"
    )
    op.create_index(
        "recipient_to_erase", "recipient", ["office", "ends_at"], postgresql_where=sa.text("erased_at IS NULL")
    )
    op.create_table(
        "reminder",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("appointment_id", sa.Uuid, nullable=False, index=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
    )
