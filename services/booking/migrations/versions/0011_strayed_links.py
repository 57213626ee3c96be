"""When a link that was kept although it may lie with a stranger is replaced, and which of two corrections is later."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("appointment", sa.Column("contact_revision", sa.Integer, nullable=False, server_default="0"))
    op.add_column("appointment", sa.Column("renew_link_at", sa.DateTime(timezone=True)))
    op.create_index(
        "appointment_link_strayed",
        "appointment",
        ["renew_link_at"],
        postgresql_where=sa.text("renew_link_at IS NOT NULL"),
    )
