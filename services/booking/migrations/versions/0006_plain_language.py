"""Who wants to be written to in plain language."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for table in ("appointment", "waiting_entry", "walk_in"):
        op.add_column(table, sa.Column("plain_language", sa.Boolean, nullable=False, server_default=sa.false()))
