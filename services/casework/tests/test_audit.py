"""The audit trail shows tampering: a changed, missing, added or moved entry breaks the chain."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from casework.cases.audit import Entry, append, beginning, first_broken
from casework.cases.facts import Fact

CASE = UUID(int=1)
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def chain(*actions: str) -> list[Entry]:
    entries: list[Entry] = []
    for number, action in enumerate(actions, start=1):
        previous = entries[-1].hash if entries else beginning(CASE)
        entries.append(append(CASE, number, previous, Fact(NOW, "system", action, {"n": str(number)})))
    return entries


def broken(entries: list[Entry], case_id: UUID = CASE) -> int | None:
    sound = chain("opened", "taken", "completed")
    return first_broken(case_id, entries, len(sound), sound[-1].hash)


def test_a_sound_chain() -> None:
    assert broken(chain("opened", "taken", "completed")) is None


def test_a_change_shows_where_it_was_made() -> None:
    entries = chain("opened", "taken", "completed")
    assert broken([entries[0], replace(entries[1], actor="clerk:x"), entries[2]]) == 2
    assert broken([entries[0], replace(entries[1], detail={}), entries[2]]) == 2


def test_a_rewritten_rest_does_not_meet_the_head() -> None:
    assert broken(chain("opened", "taken", "aborted")) == 4


def test_missing_entries_show() -> None:
    entries = chain("opened", "taken", "completed")
    assert broken(entries[1:]) == 1
    assert broken([entries[0], entries[2]]) == 2
    assert broken(entries[:2]) == 3
    assert broken([]) == 1


def test_a_chain_belongs_to_its_case() -> None:
    assert broken(chain("opened", "taken", "completed"), UUID(int=2)) == 1
