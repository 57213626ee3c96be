"""Which of two corrections under one link is the later one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("recipient", sa.Column("contact_revision", sa.Integer, nullable=False, server_default="0"))
