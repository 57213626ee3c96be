"""When the latest word about somebody not coming was said, so that an older one says nothing.

The code before neither writes nor reads it: what it closes for a no-show stays closed there, as ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("appointment_id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String, nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
    )
