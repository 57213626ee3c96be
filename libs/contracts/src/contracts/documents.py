"""The contracts as documents for other tools: a JSON Schema per event, and one AsyncAPI 3.0 document.

`python -m contracts.documents DIR` writes them; they are committed, and a test says when they are stale.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.base import Event
from contracts.topology import CONSUMES, EVENTS, PUBLISHES, durable

Json = dict[str, Any]


def schema(event: type[Event]) -> Json:
    """The JSON Schema (2020-12) of an event's data."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:schalter:event:{event.SUBJECT}",
        **event.model_json_schema(mode="serialization"),
    }


def asyncapi() -> Json:
    """Who sends and receives what, as AsyncAPI 3.0; the payloads are the schemas beside it."""
    channels: Json = {}
    operations: Json = {}
    for subject, event in EVENTS.items():
        message = {
            "name": subject,
            "summary": (event.__doc__ or "").strip().splitlines()[0],
            "contentType": "application/json",
            "payload": {"$ref": f"./schemas/{subject}.json"},
        }
        channels[subject] = {"address": subject, "messages": {event.__name__: message}}
    for service, events in PUBLISHES.items():
        for event in events:
            name = f"{service}-sends-{event.SUBJECT.replace('.', '-')}"
            operations[name] = {"action": "send", "channel": {"$ref": f"#/channels/{event.SUBJECT}"}}
    for service, events in CONSUMES.items():
        for event in events:
            name = f"{service}-receives-{event.SUBJECT.replace('.', '-')}"
            operations[name] = {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{event.SUBJECT}"},
                "description": f"Durable consumer {durable(service, event)}.",
            }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Schalter events", "version": "1", "description": "CloudEvents 1.0 in binary mode on NATS."},
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }


def documents() -> Mapping[str, str]:
    """Every document by its path, as text."""
    files = {f"schemas/{subject}.json": schema(event) for subject, event in EVENTS.items()}
    files["asyncapi.json"] = asyncapi()
    return {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in files.items()}


def write(directory: Path) -> None:
    """Write all documents below `directory`."""
    for path, content in documents().items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
