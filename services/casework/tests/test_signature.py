"""Signatures: what counts as one, and the picture that the server draws of it."""

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.applications.document import sha256_hex
from casework.applications.signature import FULL_PRESSURE, MAX_POINTS, MAX_STROKES, Signature, draw
from casework.applications.views import CanonicalSignature, SignDocument
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


def test_a_typed_name_is_what_is_seen() -> None:
    """At the door; what was signed before is still read."""
    typed("علی\u200cرضا").check_name()
    with pytest.raises(SignatureInvalid, match=r"RIGHT-TO-LEFT OVERRIDE \(U\+202E\)"):
        typed("Ayşe\u202e Öztürk").check_name()


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


def test_the_edges_of_the_box_are_paper_too() -> None:
    corners = (((0, 0, 0, 0), (800, 300, 20, FULL_PRESSURE)),)
    sent = {"schalter": "signature/1", "document_hash": HASH, "width": 800, "height": 300, "pointer": "touch"}
    assert CanonicalSignature.model_validate(sent | {"strokes": corners}).strokes == drawn(strokes=corners).strokes


def test_the_picture_is_cropped_to_its_ink_and_every_stroke_goes_to_its_end() -> None:
    """On 800 by 300 the pen is 4 wide: twice that is left around the outermost points, thicker where pressed harder."""
    strokes = (((50, 60, 0, 0), (100, 70, 20, 0), (200, 90, 30, 0)), ((400, 200, 50, FULL_PRESSURE),))
    root = ElementTree.fromstring(draw(drawn(strokes=strokes)))  # noqa: S314 - our own drawing
    assert root.get("viewBox") == "42.0 52.0 366.0 156.0"
    line, dot = root
    assert (line.get("d"), line.get("stroke-width")) == ("M50 60Q100 70 150.0 80.0L200 90", "2.4")
    assert (dot.get("cx"), dot.get("cy"), dot.get("r")) == ("400", "200", "2.8")


def test_a_document_is_not_signed_with_a_name_that_hides_something() -> None:
    signature = typed("Ayşe\u200b Öztürk")
    canonical = json.loads(signature.canonical())
    method = canonical.pop("method")
    request = SignDocument.model_validate(
        {"document_hash": signature.document_hash, "method": method, "signature": canonical}
    )
    with pytest.raises(SignatureInvalid, match="ZERO WIDTH SPACE"):
        request.to_signature()
