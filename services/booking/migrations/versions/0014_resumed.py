"""When it was said that somebody came after all.

The code before neither writes nor reads it: there, an appointment that was taken up again is a booked or a lapsed one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("appointment", sa.Column("resumed_at", sa.DateTime(timezone=True)))
