"""Frames of strangers: everything is either a known message or a close code."""

import contextlib
import json
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.protocol import (
    CLOSE_MALFORMED,
    CLOSE_TOO_LARGE,
    MAX_MESSAGE_BYTES,
    SERVER,
    Candidate,
    ClientMessage,
    Description,
    IceServer,
    IceServers,
    ProtocolError,
    RestartRequest,
    parse,
    relay,
)

TICKET = "t" * 43
CANDIDATE = {"candidate": "candidate:1 1 udp 1 192.0.2.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}
VALID: list[dict[str, Any]] = [
    {"type": "hello", "ticket": TICKET, "epoch": "e1"},
    {"type": "heartbeat"},
    {"type": "description", "description": {"type": "offer", "sdp": "v=0\r\n"}},
    {"type": "candidate", "candidate": {**CANDIDATE, "usernameFragment": "uf"}},
    {"type": "candidate", "candidate": None},
    {"type": "restart-request"},
    {"type": "admit"},
    {"type": "dismiss"},
    {"type": "ice-servers"},
    {"type": "path", "path": "relay", "transport": "tls", "milliseconds": 930, "again": False},
    {"type": "path", "path": "none", "transport": None, "milliseconds": 0, "again": False},
    {"type": "leave"},
]
INVALID = [
    "",
    "null",
    "[]",
    "17",
    '"hello"',
    "{",
    "{}",
    '{"type":null}',
    '{"type":"nonsense"}',
    '{"type":"welcome","role":"clerk"}',
    '{"type":"heartbeat","extra":1}',
    '{"type":"hello"}',
    '{"type":"path","path":"192.0.2.1","transport":"udp","milliseconds":1,"again":false}',
    '{"type":"path","path":"host","transport":"udp","milliseconds":600001,"again":false}',
    '{"type":"path","path":"host","transport":"udp","milliseconds":1,"again":false,"address":"192.0.2.1"}',
    f'{{"type":"hello","ticket":"{TICKET}","epoch":""}}',
    f'{{"type":"hello","ticket":"{TICKET}","epoch":"a b"}}',
    f'{{"type":"hello","ticket":"{TICKET}","epoch":"{"e" * 65}"}}',
    f'{{"type":"hello","ticket":"{TICKET}","epoch":7}}',
    '{"type":"hello","ticket":"short","epoch":"e"}',
    '{"type":"description","description":{"type":"pranswer","sdp":""}}',
    '{"type":"description","description":{"type":"offer","sdp":1}}',
    '{"type":"description","description":{"type":"offer","sdp":"","epoch":"x"}}',
    '{"type":"description","description":"v=0"}',
    '{"type":"candidate"}',
    '{"type":"candidate","candidate":{}}',
    '{"type":"candidate","candidate":{"candidate":"x","sdpMLineIndex":"0"}}',
    '{"type":"candidate","candidate":{"candidate":"x","sdpMLineIndex":-1}}',
    '{"type":"candidate","candidate":{"candidate":"' + "x" * 1025 + '"}}',
    '{"type":"candidate","candidate":NaN}',
    "\ud800",
    '{"type":"heartbeat\\ud800"}',
]


@pytest.mark.parametrize("message", VALID, ids=lambda message: message["type"])
def test_every_message_of_the_protocol_is_understood(message: dict[str, Any]) -> None:
    assert parse(json.dumps(message)).type == message["type"]


LARGEST = {"candidate": "c" * 1024, "sdpMid": "m" * 64, "sdpMLineIndex": 255, "usernameFragment": "f" * 256}


def test_a_message_may_be_as_large_as_browsers_make_them_and_no_larger() -> None:
    parse(json.dumps({"type": "candidate", "candidate": LARGEST}))
    parse(json.dumps({"type": "description", "description": {"type": "offer", "sdp": "s" * 61_440}}))
    for name, value in LARGEST.items():
        more = value + 1 if isinstance(value, int) else f"{value}x"
        with pytest.raises(ProtocolError):
            parse(json.dumps({"type": "candidate", "candidate": LARGEST | {name: more}}))
    with pytest.raises(ProtocolError):
        parse(json.dumps({"type": "description", "description": {"type": "offer", "sdp": "s" * 61_441}}))


def test_the_valid_messages_here_are_all_there_are() -> None:
    union = get_args(get_args(ClientMessage)[0])
    known = {get_args(model.model_fields["type"].annotation)[0] for model in union}
    assert known == {message["type"] for message in VALID}


@pytest.mark.parametrize("frame", INVALID)
def test_anything_else_is_malformed(frame: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        parse(frame)
    assert refused.value.code == CLOSE_MALFORMED


def test_a_message_may_fill_the_limit_and_not_exceed_it() -> None:
    def offer(characters: int, letter: str = "x") -> str:
        return json.dumps(
            {"type": "description", "description": {"type": "offer", "sdp": letter * characters}}, ensure_ascii=False
        )

    parse(offer(60 * 1024))
    for frame in (offer(MAX_MESSAGE_BYTES), offer(MAX_MESSAGE_BYTES // 2, "ü"), "ü" * MAX_MESSAGE_BYTES):
        with pytest.raises(ProtocolError) as refused:
            parse(frame)
        assert refused.value.code == CLOSE_TOO_LARGE


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"type":"candidate","candidate":{"candidate":'])
def test_deep_nesting_is_refused_without_harm(opening: str) -> None:
    with pytest.raises(ProtocolError):
        parse(opening * (MAX_MESSAGE_BYTES // len(opening) - 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.text() | JSON.map(json.dumps))
def test_no_frame_raises_anything_but_a_protocol_error(frame: str) -> None:
    with contextlib.suppress(ProtocolError):
        parse(frame)


@given(st.sampled_from(VALID), st.dictionaries(st.text(max_size=12), JSON, min_size=1, max_size=3))
def test_no_unknown_field_comes_through(message: dict[str, object], extra: dict[str, object]) -> None:
    unknown = {key: value for key, value in extra.items() if key not in message}
    if unknown:
        with pytest.raises(ProtocolError):
            parse(json.dumps({**message, **unknown}))


def test_what_is_relayed_is_a_message_of_the_server_with_the_senders_epoch() -> None:
    for message in VALID[2:6]:
        parsed = parse(json.dumps(message))
        assert isinstance(parsed, Description | Candidate | RestartRequest)
        passed_on = SERVER.validate_json(relay(parsed, "epoch-1")).model_dump(exclude_none=True)
        if parsed.type != "restart-request":
            assert passed_on.pop("epoch") == "epoch-1"
        assert passed_on == {key: value for key, value in message.items() if value is not None}


def test_ice_servers_carry_no_nulls() -> None:
    frame = IceServers(ice_servers=[IceServer(urls=["stun:a"])]).text()
    assert not re.search("null", frame)
