"""Pauses between appointments, no-shows, what a call took; timetables, blocked times and slots that were given back.

Additive: code of the version before goes on working on this schema (its rows have no pause and no needs).
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

BOOKED = sa.text("state = 'booked'")


def _instant(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("appointment", _instant("busy_until", nullable=True))
    op.add_column("appointment", sa.Column("phone", sa.String))
    op.add_column("appointment", sa.Column("needs", JSONB, nullable=False, server_default="[]"))
    op.add_column("appointment", sa.Column("channel", sa.String(16), nullable=False, server_default="citizen"))
    op.add_column("appointment", _instant("call_started_at", nullable=True))
    op.add_column("appointment", sa.Column("talk_seconds", sa.Integer))
    op.add_column("appointment", _instant("erased_at", nullable=True))
    op.drop_constraint("appointment_state", "appointment")
    op.create_check_constraint(
        "appointment_state", "appointment", "state IN ('booked', 'cancelled', 'completed', 'aborted', 'no_show')"
    )
    op.create_check_constraint(
        "appointment_occupied",
        "appointment",
        "busy_until IS NULL OR (ends_at <= busy_until AND busy_until <= ends_at + interval '1 hour')",
    )
    # The new constraint stands before the old one goes: at no moment can two appointments overlap.
    op.execute("ALTER TABLE appointment RENAME CONSTRAINT appointment_no_double_booking TO appointment_no_overlap_0001")
    op.execute("""
        ALTER TABLE appointment ADD CONSTRAINT appointment_no_double_booking
        EXCLUDE USING gist (office WITH =, lane WITH =, tstzrange(starts_at, coalesce(busy_until, ends_at)) WITH &&)
        WHERE (state = 'booked')
    """)
    op.drop_constraint("appointment_no_overlap_0001", "appointment")
    op.create_index(
        "appointment_taken",
        "appointment",
        ["office", "starts_at"],
        postgresql_include=["ends_at", "busy_until", "lane", "id"],
        postgresql_where=BOOKED,
    )
    op.drop_index("appointment_busy", "appointment")
    op.create_index(
        "appointment_open_email", "appointment", ["office", sa.text("lower(email)")], postgresql_where=BOOKED
    )
    op.create_table(
        "timetable",
        sa.Column("office", sa.String(40), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", JSONB, nullable=False),
        sa.Column("changed_by", sa.String, nullable=False),
        _instant("changed_at"),
    )
    op.create_table(
        "blocked_time",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        _instant("starts_at"),
        _instant("ends_at"),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("note", sa.String),
        sa.Column("created_by", sa.String, nullable=False),
        _instant("created_at"),
        sa.CheckConstraint("starts_at < ends_at", name="blocked_time_order"),
    )
    op.create_index("blocked_time_ending", "blocked_time", ["office", "ends_at"])
    op.create_table(
        "freed_slot",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        _instant("starts_at"),
        _instant("ends_at"),
        _instant("public_at"),
        _instant("freed_at"),
    )
    op.create_index("freed_slot_ending", "freed_slot", ["office", "ends_at"])
