"""Who wants no reminders of an appointment, and which of their choices was the latest.

The code before neither writes nor reads it: as long as it runs beside, it reminds who has declined.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("recipient", sa.Column("reminders_declined", sa.Boolean, nullable=False, server_default="false"))
    op.add_column("recipient", sa.Column("reminders_revision", sa.Integer, nullable=False, server_default="0"))
