"""Rooms, who is in them, and calls."""

import sqlalchemy as sa
from alembic import op

from chassis.migrations import create_chassis_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_chassis_tables(op)
    op.create_table(
        "rooms",
        sa.Column("appointment_id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("link_generation", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("stage", sa.String),
        sa.Column("revision", sa.Integer),
        sa.Column("admitted_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state IN ('open', 'completed', 'aborted', 'cancelled')", name="rooms_state"),
    )
    op.create_table(
        "participants",
        sa.Column(
            "appointment_id", sa.Uuid, sa.ForeignKey("rooms.appointment_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("role", sa.String, primary_key=True),
        sa.Column("office", sa.String, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clerk_id", sa.Uuid),
        sa.CheckConstraint("role IN ('citizen', 'clerk')", name="participants_role"),
    )
    op.create_index("participants_by_office", "participants", ["office"])
    op.create_table(
        "calls",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("appointment_id", sa.Uuid, sa.ForeignKey("rooms.appointment_id", ondelete="CASCADE"), nullable=False),
        sa.Column("office", sa.String, nullable=False),
        sa.Column("clerk_id", sa.Uuid),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "calls_one_running", "calls", ["appointment_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index("calls_by_office", "calls", ["office", sa.text("ended_at DESC")])
