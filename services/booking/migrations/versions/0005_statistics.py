"""Weeks and statistics read what became of the appointments of a time.

Those that are still booked have their index (appointment_taken): this one costs nothing until an appointment is over.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index(
        "appointment_over", "appointment", ["office", "starts_at"], postgresql_where=sa.text("state <> 'booked'")
    )
