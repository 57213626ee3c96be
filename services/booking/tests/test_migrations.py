"""What a migration does with what is stored already."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from booking.app import MIGRATIONS
from chassis.migrations import upgrade

CLERKS = [
    {
        "lane": 0,
        "name": "Anna Becker",
        "clerk_id": "5f1c2d3e-0000-4000-8000-000000000001",
        "skills": None,
        "shifts": [],
    },
    {"lane": 3, "name": "Mehmet Yılmaz", "clerk_id": None, "skills": ["anmeldung"], "shifts": []},
]


async def test_timetables_of_before_are_kept_from_when_they_held_and_without_names(
    database_url: str, tmp_path: Path
) -> None:
    before = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, before)
    for revision in (before / "versions").glob("*.py"):
        if revision.name >= "0007":
            revision.unlink()
    await upgrade(database_url, before)
    at = datetime(2026, 6, 1, 7, tzinfo=UTC)
    document = {"opening_hours": [], "clerks": CLERKS, "next_lane": 4}
    connection = await asyncpg.connect(database_url)
    insert = "INSERT INTO timetable VALUES ($1, 5, $2, 'clerk:x', $3)"
    await connection.execute(insert, "demo", json.dumps(document), at)
    await connection.execute(insert, "empty", json.dumps(document | {"clerks": []}), at)

    await upgrade(database_url, MIGRATIONS)
    rows = await connection.fetch("SELECT * FROM timetable_version ORDER BY office")
    await connection.close()
    assert [(row["office"], row["version"], row["held_from"]) for row in rows] == [("demo", 5, at), ("empty", 5, at)]
    kept = [json.loads(row["document"]) for row in rows]
    assert kept[0]["clerks"] == [CLERKS[0] | {"name": "1", "clerk_id": None}, CLERKS[1] | {"name": "4"}]
    assert kept[0]["next_lane"] == 4
    assert kept[1]["clerks"] == []
