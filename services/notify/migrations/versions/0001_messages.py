"""Messages to send and whom to send them to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from chassis.migrations import create_chassis_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables(op)
    op.create_table(
        "recipient",
        sa.Column("appointment_id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("time_zone", sa.String),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("key", sa.String(80), nullable=False, unique=True),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("appointment_id", sa.Uuid, nullable=False, index=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("cause", sa.Uuid, nullable=False),
        sa.Column("recipient", sa.String, nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("context", JSONB, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("trouble", sa.String(20)),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="message_state"),
    )
    op.create_index("message_due", "message", ["next_try_at"], postgresql_where=sa.text("state = 'pending'"))
