"""Appointments, kept apart by an exclusion constraint."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

from chassis.migrations import create_chassis_tables

revision = "0001"
down_revision = None

BOOKED = sa.text("state = 'booked'")


def upgrade() -> None:
    # btree_gist lets an exclusion constraint compare text and numbers for equality; a database's owner may create it.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    create_chassis_tables(op)
    op.create_table(
        "appointment",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("services", JSONB, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("time_zone", sa.String),
        sa.Column("link_generation", sa.Integer, nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        ExcludeConstraint(
            ("office", "="),
            ("lane", "="),
            (sa.func.tstzrange(sa.text("starts_at"), sa.text("ends_at")), "&&"),
            name="appointment_no_double_booking",
            using="gist",
            where=BOOKED,
        ),
        sa.UniqueConstraint("office", "reference", name="appointment_reference"),
        sa.CheckConstraint("state IN ('booked', 'cancelled', 'completed', 'aborted')", name="appointment_state"),
        sa.CheckConstraint(
            "starts_at < ends_at AND ends_at <= starts_at + interval '8 hours'", name="appointment_length"
        ),
        sa.CheckConstraint("lane >= 0", name="appointment_lane"),
    )
    op.create_index(
        "appointment_busy",
        "appointment",
        ["office", "starts_at"],
        postgresql_include=["ends_at", "lane"],
        postgresql_where=BOOKED,
    )
