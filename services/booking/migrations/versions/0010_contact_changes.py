"""How often the holder of a link has corrected the address."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("appointment", sa.Column("contact_changes", sa.SmallInteger, nullable=False, server_default="0"))
