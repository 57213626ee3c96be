"""Logs are JSON, carry their context, and hold no secret."""

import json

import pytest
import structlog

from chassis import logging


def test_secrets_and_personal_data_never_reach_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    logging.configure("booking")
    with structlog.contextvars.bound_contextvars(correlation_id="abc"):
        structlog.get_logger("test").info("booked", link_token="planted", email="planted@example.org", slots=3)
    line = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (line["event"], line["service"], line["correlation_id"], line["slots"]) == ("booked", "booking", "abc", 3)
    assert line["link_token"] == line["email"] == logging.REDACTED
