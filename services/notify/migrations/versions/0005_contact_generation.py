"""Which of two corrected addresses is the newer one: that with the newer link."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("recipient", sa.Column("contact_generation", sa.Integer, nullable=False, server_default="0"))
