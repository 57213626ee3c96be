"""Appointments that wait for their address to be confirmed, and links that are mailed anew."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    # The code before takes an unconfirmed appointment for one that stands. It makes none, and knows no office that has
    # addresses confirmed: let an office ask for it once all instances of booking are new (docs/operations.md).
    op.add_column("appointment", sa.Column("confirm_by", sa.DateTime(timezone=True)))
    op.add_column("appointment", sa.Column("confirm_mails", sa.SmallInteger, nullable=False, server_default="1"))
    op.add_column("appointment", sa.Column("links_mailed", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("appointment", sa.Column("links_mailed_on", sa.Date))
    op.create_index(
        "appointment_unconfirmed",
        "appointment",
        ["confirm_by"],
        postgresql_where=sa.text("confirm_by IS NOT NULL"),
    )
    op.create_table(
        "link_request",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("email", sa.String, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_link_request_office", "link_request", ["office"])
