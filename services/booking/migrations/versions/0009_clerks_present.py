"""Which clerks have their workplace open."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "clerks_present",
        sa.Column("office", sa.String(40), primary_key=True),
        sa.Column("clerks", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
    )
