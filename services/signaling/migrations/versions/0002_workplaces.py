"""Which clerks were last said to have their workplace open."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "clerks_present",
        sa.Column("office", sa.String, primary_key=True),
        sa.Column("clerks", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
    )
