"""Which of a citizen's links is the newest: the appointment may move."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "newest_link",
        sa.Column("appointment_id", sa.Uuid, primary_key=True),
        sa.Column("office", sa.String, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
    )
