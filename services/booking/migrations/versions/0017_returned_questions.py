"""The question about an address that came back from its mailbox."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    # The code before asks without saying which question it was: of those it is not heard that they came back.
    op.add_column("appointment", sa.Column("confirm_question", sa.Uuid))
    op.add_column("appointment", sa.Column("confirm_returned", sa.Boolean, nullable=False, server_default="false"))
