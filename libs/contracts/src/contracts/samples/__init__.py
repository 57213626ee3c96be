"""One frozen sample per event: what was on the wire when the event was released. Every consumer is tested with it.

A released sample is never edited: a reader that cannot take it any more has broken the contract.
"""

import json
from collections.abc import Mapping
from importlib import resources

from contracts.base import Event, Meta
from contracts.topology import EVENTS


def load() -> Mapping[str, tuple[Meta, Event]]:
    """All samples by subject. Raises when one is missing or cannot be read by today's models."""
    samples: dict[str, tuple[Meta, Event]] = {}
    for subject, event in EVENTS.items():
        entry = resources.files(__name__) / f"{subject}.json"
        message = json.loads(entry.read_text(encoding="utf-8"))
        samples[subject] = (Meta.from_headers(message["headers"]), event.model_validate(message["data"]))
    return samples
