"""Signatures: what counts as one, and the picture that the server draws of it."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.applications.document import sha256_hex
from casework.applications.signature import MAX_POINTS, MAX_STROKES, Signature, draw
from casework.errors import SignatureInvalid

HASH = "a" * 64
LINE = ((10, 10, 0, 500), (60, 40, 16, 700), (110, 20, 33, 600))


def drawn(**changes: Any) -> Signature:
    fields: dict[str, Any] = {
        "document_hash": HASH,
        "method": "drawn",
        "pointer": "pen",
        "width": 800,
        "height": 300,
        "strokes": (LINE,),
    }
    return Signature(**fields | changes)


def typed(text: str = "Ayşe Öztürk", **changes: Any) -> Signature:
    fields: dict[str, Any] = {
        "document_hash": HASH,
        "method": "typed",
        "pointer": "keyboard",
        "width": 0,
        "height": 0,
        "strokes": (),
        "text": text,
    }
    return Signature(**fields | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"strokes": ()},
        {"strokes": (((10, 10, 0, 500),),)},
        {"strokes": (((10, 10, 0, 500), (12, 11, 5, 500)),)},
        {"strokes": (((10, 10, 0, 500), (801, 40, 16, 500)),)},
        {"strokes": (((10, -1, 0, 500), (60, 40, 16, 500)),)},
        {"strokes": (((10, 10, 0, 1001), (60, 40, 16, 500)),)},
        {"strokes": (((10, 10, 16, 500), (60, 40, 0, 500)),)},
        {"strokes": ((*LINE,) * (MAX_POINTS // 3 + 1),)},
        {"strokes": (LINE,) * (MAX_STROKES + 1)},
        {"width": 0},
        {"height": 20_001},
        {"pointer": "keyboard"},
        {"text": "Ayşe"},
    ],
)
def test_what_is_no_drawn_signature(changes: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        drawn(**changes)


@pytest.mark.parametrize("changes", [{"text": " A "}, {"text": "x" * 121}, {"strokes": (LINE,)}, {"pointer": "mouse"}])
def test_what_is_no_typed_signature(changes: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        typed(**changes)


def test_the_canonical_form_is_stable() -> None:
    assert sha256_hex(drawn().canonical()) == sha256_hex(drawn().canonical())
    assert drawn().canonical().startswith(b'{"document_hash":"aaaa')
    assert "Ayşe" in typed().canonical().decode()


def test_the_shown_drawing_is_the_signed_one() -> None:
    svg = "<svg/>"
    drawn(svg_sha256=sha256_hex(svg.encode())).check_drawing(svg)
    with pytest.raises(SignatureInvalid):
        drawn(svg_sha256=sha256_hex(svg.encode())).check_drawing("<svg onload='x'/>")
    with pytest.raises(SignatureInvalid):
        drawn().check_drawing(svg)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 800), st.integers(0, 300), st.just(0), st.integers(0, 1000)), min_size=1),
        min_size=1,
        max_size=5,
    )
)
def test_the_picture_holds_strokes_and_nothing_else(strokes: list[list[tuple[int, int, int, int]]]) -> None:
    signature = drawn(strokes=(*(tuple(stroke) for stroke in strokes), LINE))
    root = ElementTree.fromstring(draw(signature))  # noqa: S314 - our own drawing
    assert {child.tag.rpartition("}")[2] for child in root} <= {"path", "circle"}
    assert all(re.fullmatch(r"[MQL0-9. ]*", child.get("d", "")) for child in root)
