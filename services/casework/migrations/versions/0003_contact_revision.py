"""Which of two corrections of an address under one link is the later one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("case_file", sa.Column("contact_revision", sa.Integer, nullable=False, server_default="0"))
