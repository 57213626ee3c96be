"""When the latest word about somebody not coming was said, so that an older one says nothing.

The code before neither writes nor reads it: what it closes for a no-show stays closed there, as ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("rooms", sa.Column("absence_told_at", sa.DateTime(timezone=True)))
