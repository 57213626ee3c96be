"""What is advised can be typed where it is read: with `make up` there are no containers."""

import re
from pathlib import Path

import pytest
import yaml

from schalter.advice import for_compose, for_make_up

ROOT = Path(__file__).resolve().parents[2]
LOGS = Path("var/log")


@pytest.mark.parametrize(
    ("written", "compose", "make_up"),
    [
        ("schalter bus apply", "docker compose run --rm operator schalter bus apply", ".venv/bin/schalter bus apply"),
        ("docker compose ps nats. Wait.", "docker compose ps nats. Wait.", "tail var/log/nats.log. Wait."),
        (
            "docker compose ps; docker compose logs --tail=50 booking",
            "docker compose ps; docker compose logs --tail=50 booking",
            ".venv/bin/schalter status; tail var/log/booking.log",
        ),
        (
            "docker compose run --rm operator schalter bus apply",
            "docker compose run --rm operator schalter bus apply",
            ".venv/bin/schalter bus apply",
        ),
        (
            "docker compose logs {{ $labels.service }}: why?",
            "docker compose logs {{ $labels.service }}: why?",
            "tail var/log/{{ $labels.service }}.log: why?",
        ),
        ("Who floods schalter?", "Who floods schalter?", "Who floods schalter?"),
    ],
)
def test_it_is_said_as_it_is_typed(written: str, compose: str, make_up: str) -> None:
    assert for_compose(written) == compose
    assert for_make_up(LOGS)(written) == make_up


def test_no_alert_and_no_remedy_names_containers_with_make_up() -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    said = [rule["annotations"]["action"] for group in rules for rule in group["rules"]]
    for file in (ROOT / "cli/src/schalter/doctor").glob("*.py"):
        said += re.findall(
            r'"([^"\n]*(?:docker compose|schalter)[^"\n]*)"', file.read_text().replace("{one.name}", "booking")
        )
    assert len(said) > 30
    assert [text for text in map(for_make_up(LOGS), said) if "docker compose" in text] == []
