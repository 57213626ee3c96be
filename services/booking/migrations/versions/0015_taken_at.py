"""Since when an appointment has its time: what is left within minutes returns at once."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    # The code before writes it not: what that moves seems to have its time since it was booked, and returns late.
    op.add_column("appointment", sa.Column("taken_at", sa.DateTime(timezone=True)))
