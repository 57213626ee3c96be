"""Whether the citizen is in the room, as signaling says."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    # The code before writes neither, and reads neither.
    op.add_column("appointment", sa.Column("citizen_here", sa.Boolean, nullable=False, server_default="false"))
    op.add_column("appointment", sa.Column("citizen_seen_at", sa.DateTime(timezone=True)))
