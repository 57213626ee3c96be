"""Statistics read a range of starts, whatever became of the appointments."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("appointment_by_start", "appointment", ["office", "starts_at"])
