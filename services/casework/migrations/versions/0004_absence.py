"""When the latest word about somebody not coming was said, so that an older one says nothing.

The code before neither writes nor reads it: what it closes for a no-show stays closed there, as ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("case_file", sa.Column("absence_told_at", sa.DateTime(timezone=True)))
