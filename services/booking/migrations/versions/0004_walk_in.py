"""Spent proofs of work, and the numbers of those who come without an appointment. Additive."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"


def _instant(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table("spent_proof", sa.Column("id", sa.Uuid, primary_key=True), _instant("expires_at"))
    op.create_table(
        "walk_in",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("services", JSONB, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("phone", sa.String),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("time_zone", sa.String),
        sa.Column("needs", JSONB, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        _instant("taken_at"),
        _instant("seen_at"),
        _instant("called_at", nullable=True),
        sa.Column("appointment_id", sa.Uuid),
        _instant("erased_at", nullable=True),
        sa.UniqueConstraint("office", "day", "number", name="walk_in_number"),
        sa.CheckConstraint("state IN ('waiting', 'called', 'left', 'gone')", name="walk_in_state"),
        sa.CheckConstraint("(state = 'called') = (appointment_id IS NOT NULL)", name="walk_in_called"),
    )
    op.create_index(
        "walk_in_waiting", "walk_in", ["office", "day", "number"], postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index("walk_in_to_erase", "walk_in", ["taken_at"], postgresql_where=sa.text("erased_at IS NULL"))
    # Whose calls run now: rows leave the index when the case ends.
    op.create_index(
        "appointment_in_call",
        "appointment",
        ["office", "call_started_at"],
        postgresql_where=sa.text("state = 'booked' AND call_started_at IS NOT NULL"),
    )
