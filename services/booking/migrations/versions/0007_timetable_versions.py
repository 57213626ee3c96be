"""Every timetable of an office, with the instant from which it held: past weeks are reckoned by what held then.

Additive. Code of the version before goes on saving to `timetable` alone; what it saves last is read from there.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "timetable_version",
        sa.Column("office", sa.String(40), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("held_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("document", JSONB, nullable=False),
    )
    # Without who the clerks are: lanes, skills and shifts are enough to reckon with.
    op.execute("""
        INSERT INTO timetable_version (office, version, held_from, document)
        SELECT office, version, changed_at, jsonb_set(document, '{clerks}', (
                   SELECT coalesce(jsonb_agg(clerk || jsonb_build_object(
                              'name', CAST(CAST(clerk ->> 'lane' AS int) + 1 AS text), 'clerk_id', NULL) ORDER BY at),
                              '[]')
                     FROM jsonb_array_elements(document -> 'clerks') WITH ORDINALITY AS each (clerk, at)))
          FROM timetable
    """)
