"""The waiting list and its offers; which data is to be erased next.

Additive: code of the version before goes on working on this schema (nobody waits there).
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

revision = "0003"
down_revision = "0002"

WAITING = sa.text("state IN ('waiting', 'offered')")
OPEN = sa.text("state = 'open'")


def _instant(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.add_column("freed_slot", sa.Column("left_by", sa.Uuid))
    op.create_table(
        "waiting_entry",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("appointment_id", sa.Uuid),
        sa.Column("minutes", sa.SmallInteger, nullable=False),
        sa.Column("services", JSONB),
        sa.Column("name", sa.String),
        sa.Column("email", sa.String),
        sa.Column("phone", sa.String),
        sa.Column("language", sa.String(2)),
        sa.Column("time_zone", sa.String),
        sa.Column("needs", JSONB),
        sa.Column("first_day", sa.Date),
        sa.Column("last_day", sa.Date),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("unanswered", sa.SmallInteger, nullable=False, server_default="0"),
        _instant("since"),
        _instant("changed_at"),
        sa.CheckConstraint("state IN ('waiting', 'offered', 'done', 'left')", name="waiting_entry_state"),
        sa.CheckConstraint(
            "(appointment_id IS NULL) = (services IS NOT NULL AND language IS NOT NULL)", name="waiting_entry_for_what"
        ),
        sa.CheckConstraint("first_day <= last_day", name="waiting_entry_days"),
    )
    op.create_index(
        "waiting_entry_once",
        "waiting_entry",
        ["appointment_id"],
        unique=True,
        postgresql_where=sa.text("appointment_id IS NOT NULL AND state IN ('waiting', 'offered')"),
    )
    op.create_index("waiting_entry_queue", "waiting_entry", ["office", "since", "id"], postgresql_where=WAITING)
    op.create_index(
        "waiting_entry_email",
        "waiting_entry",
        ["office", sa.text("lower(email)")],
        postgresql_where=sa.text("appointment_id IS NULL AND state IN ('waiting', 'offered')"),
    )
    op.create_index("waiting_entry_appointment", "waiting_entry", ["appointment_id"])
    op.create_table(
        "slot_offer",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("entry_id", sa.Uuid, sa.ForeignKey("waiting_entry.id", ondelete="CASCADE"), nullable=False),
        sa.Column("freed_id", sa.Uuid, nullable=False),
        sa.Column("appointment_id", sa.Uuid, nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        _instant("starts_at"),
        _instant("ends_at"),
        sa.Column("state", sa.String(16), nullable=False),
        _instant("offered_at"),
        _instant("expires_at"),
        _instant("ended_at", nullable=True),
        sa.CheckConstraint("state IN ('open', 'accepted', 'refused', 'expired')", name="slot_offer_state"),
        sa.CheckConstraint("starts_at < ends_at", name="slot_offer_order"),
        ExcludeConstraint(
            ("office", "="),
            ("lane", "="),
            (sa.func.tstzrange(sa.text("starts_at"), sa.text("ends_at")), "&&"),
            name="slot_offer_to_one",
            using="gist",
            where=OPEN,
        ),
    )
    op.create_index("slot_offer_one_each", "slot_offer", ["entry_id"], unique=True, postgresql_where=OPEN)
    op.create_index("slot_offer_open", "slot_offer", ["office", "expires_at"], postgresql_where=OPEN)
    op.create_index("slot_offer_of", "slot_offer", ["entry_id"])
    op.create_index("slot_offer_freed", "slot_offer", ["freed_id"])
    # Erasing by the retention clock looks at what is not erased yet, oldest first.
    op.create_index(
        "appointment_to_erase", "appointment", ["office", "ends_at"], postgresql_where=sa.text("erased_at IS NULL")
    )
