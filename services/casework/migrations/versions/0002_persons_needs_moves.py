"""Several persons in one case, what the office prepares for them, appointments that move, and erasure on request."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("case_file", sa.Column("needs", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")))
    op.add_column("case_file", sa.Column("moved_at", sa.DateTime(timezone=True)))
    op.add_column("case_file", sa.Column("erasure_requested_at", sa.DateTime(timezone=True)))
    op.add_column("person", sa.Column("phone", sa.String))
    op.add_column("application", sa.Column("person", sa.Integer))
    op.add_column("application", sa.Column("persons", sa.Integer, nullable=False, server_default="1"))
