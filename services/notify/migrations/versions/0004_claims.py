"""Whose a claim is, so that one of a process that has died need not wait for its lease to end.

Code of the version before claims without a name; what it claims is due again with the lease, as ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("message", sa.Column("claimed_by", sa.Uuid))
    op.add_column("message", sa.Column("claimed_until", sa.DateTime(timezone=True)))
