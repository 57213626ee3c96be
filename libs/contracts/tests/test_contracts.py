"""The contracts keep their word: samples parse for ever, documents are current, changes only add."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from contracts.base import Event, Meta
from contracts.documents import documents, schema
from contracts.samples import load
from contracts.topology import CONSUMES, EVENTS, PUBLISHES, STREAMS, durable

PACKAGE = Path(__file__).parents[1]
SAMPLES = PACKAGE / "src" / "contracts" / "samples"


@pytest.mark.parametrize("subject", EVENTS)
def test_every_event_has_a_sample_that_loses_nothing_when_read_and_written(subject: str) -> None:
    frozen = json.loads((SAMPLES / f"{subject}.json").read_text(encoding="utf-8"))
    meta, event = load()[subject]
    # A sample stays as it was frozen: fields that came later have their defaults, and are not written back.
    assert json.loads(event.model_dump_json(exclude_unset=True)) == frozen["data"]
    assert meta.headers() == frozen["headers"]


@pytest.mark.parametrize("subject", EVENTS)
def test_every_sample_is_valid_by_the_published_schema(subject: str) -> None:
    frozen = json.loads((SAMPLES / f"{subject}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema(EVENTS[subject])).validate(frozen["data"])


@pytest.mark.parametrize("path", documents())
def test_committed_documents_are_current(path: str) -> None:
    """Otherwise run: python -m contracts.documents libs/contracts"""
    assert (PACKAGE / path).read_text(encoding="utf-8") == documents()[path]


def test_a_reader_ignores_what_a_newer_publisher_adds() -> None:
    frozen = json.loads((SAMPLES / "casework.signed.v1.json").read_text(encoding="utf-8"))
    newer = frozen["data"] | {"pressure_curve": "soft"}
    assert EVENTS["casework.signed.v1"].model_validate(newer) == load()["casework.signed.v1"][1]


@pytest.mark.parametrize("subject", EVENTS)
def test_a_released_event_gets_no_new_required_field(subject: str) -> None:
    """A new required field would refuse yesterday's messages, which still lie in the stream."""
    frozen = json.loads((SAMPLES / f"{subject}.json").read_text(encoding="utf-8"))
    assert set(schema(EVENTS[subject]).get("required", [])) <= set(frozen["data"])


def test_events_are_immutable() -> None:
    _, event = load()["booking.completed.v1"]
    with pytest.raises(ValidationError):
        event.office = "elsewhere"  # type: ignore[misc]


def test_instants_are_refused_without_a_zone() -> None:
    frozen = json.loads((SAMPLES / "booking.completed.v1.json").read_text(encoding="utf-8"))
    with pytest.raises(ValidationError, match="starts_at"):
        EVENTS["booking.completed.v1"].model_validate(frozen["data"] | {"starts_at": "2026-12-01T08:00:00"})


def test_headers_without_an_id_are_refused() -> None:
    meta, _ = load()["booking.completed.v1"]
    headers = meta.headers()
    del headers["ce-id"]
    with pytest.raises(ValidationError):
        Meta.from_headers(headers)


def test_subjects_belong_to_their_publisher() -> None:
    for service, events in PUBLISHES.items():
        for event in events:
            assert event.SUBJECT.startswith(f"{service}."), event
            assert event.SUBJECT.split(".", 1)[0] == STREAMS[service].subjects[0].split(".", 1)[0]


def test_every_event_has_a_consumer_and_every_consumed_event_a_publisher() -> None:
    consumed: set[type[Event]] = {event for events in CONSUMES.values() for event in events}
    assert consumed == set(EVENTS.values())


def test_nobody_consumes_their_own_events() -> None:
    for service, events in CONSUMES.items():
        assert not {event for event in events if event.SUBJECT.startswith(f"{service}.")}


def test_durable_names_are_unique_and_safe_for_the_bus() -> None:
    names = [durable(service, event) for service, events in CONSUMES.items() for event in events]
    assert len(names) == len(set(names))
    assert all(name.replace("-", "").replace("_", "").isalnum() for name in names)
