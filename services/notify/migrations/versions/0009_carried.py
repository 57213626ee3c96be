"""Under which ids the log and the traces tell of a message, also when it is sent long after its event.

The code before neither writes nor reads it: what it queues is sent as before, and begins a trace of its own.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("message", sa.Column("carried", JSONB, nullable=True))
