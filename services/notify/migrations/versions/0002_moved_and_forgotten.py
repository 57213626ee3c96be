"""Which link is the newest, what is over, what is forgotten, and messages that are worth nothing after a while."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("recipient", sa.Column("link_generation", sa.Integer, nullable=False, server_default="0"))
    op.add_column("recipient", sa.Column("over", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("recipient", sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.add_column("message", sa.Column("valid_until", sa.DateTime(timezone=True)))
    op.drop_constraint("message_state", "message")
    op.create_check_constraint("message_state", "message", "state IN ('pending', 'delivered', 'failed', 'dropped')")
