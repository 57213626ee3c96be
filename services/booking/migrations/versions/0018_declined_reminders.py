"""Whether somebody is reminded of their appointment, and how often they have said so.

The code before neither writes nor reads it, and has no page for it: under its hands a choice stays as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("appointment", sa.Column("reminders_declined", sa.Boolean, nullable=False, server_default="false"))
    op.add_column("appointment", sa.Column("reminders_revision", sa.Integer, nullable=False, server_default="0"))
