"""The environment as compose files write it."""

import pytest
from pydantic import ValidationError

from chassis.settings import ServiceSettings

NEEDED = {
    "SCHALTER_DATABASE_URL": "postgresql://x@127.0.0.1/x",
    "SCHALTER_NATS_URL": "nats://127.0.0.1",
    "SCHALTER_PUBLIC_URL": "https://town.example",
    "SCHALTER_OFFICES_DIR": "offices",
}


@pytest.fixture(autouse=True)
def needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHALTER_NATS_USER", "")
    monkeypatch.setenv("SCHALTER_LOG_LEVEL", "")
    settings = ServiceSettings()
    assert (settings.nats_user, settings.log_level) == (None, "info")


def test_an_empty_variable_that_is_needed_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHALTER_NATS_URL", "")
    with pytest.raises(ValidationError, match=r"nats_url\n\s+Field required"):
        ServiceSettings()
