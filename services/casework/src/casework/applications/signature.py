"""The citizen's signature: its canonical form, its limits, and the picture that the server draws of it.

The drawing that the client sends is never trusted: SVG can carry scripts and foreign content. What counts are the
strokes, as integers; the picture is drawn from them here. The points are biometric data and are erased with the case.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from casework.applications.document import canonical_json, normalised, sha256_hex
from casework.errors import SignatureInvalid
from contracts.characters import invisible, named

FORMAT = "signature/1"
MAX_STROKES = 200
MAX_POINTS = 5_000
MAX_BOX = 20_000
MAX_MILLISECONDS = 30 * 60 * 1000
FULL_PRESSURE = 1_000
TEXT_LENGTH = range(2, 121)

Pointer = Literal["mouse", "touch", "pen", "keyboard"]
Method = Literal["drawn", "typed"]
#: x and y in the box, milliseconds since the first point, pressure from 0 to 1000.
Point = tuple[int, int, int, int]


@dataclass(frozen=True)
class Signature:
    """One act of signing, bound to one document. Raises SignatureInvalid when it is none."""

    document_hash: str
    method: Method
    pointer: Pointer
    width: int
    height: int
    strokes: tuple[tuple[Point, ...], ...]
    text: str = ""
    svg_sha256: str = ""

    def __post_init__(self) -> None:
        if self.method == "typed":
            self._check_typed()
        else:
            self._check_drawn()

    def canonical(self) -> bytes:
        """The signature as canonical JSON: what is stored, handed over, and hashed into the audit trail."""
        return canonical_json(
            {
                "schalter": FORMAT,
                "document_hash": self.document_hash,
                "method": self.method,
                "pointer": self.pointer,
                "width": self.width,
                "height": self.height,
                "strokes": self.strokes,
                "text": self.text,
                "svg_sha256": self.svg_sha256,
            }
        )

    def check_drawing(self, svg: str) -> None:
        """The picture that the client showed is the one whose hash was signed. Raises SignatureInvalid."""
        shown = sha256_hex(svg.encode(errors="replace")) if svg else ""
        if shown != self.svg_sha256:
            raise SignatureInvalid("The drawing was changed on its way.")

    def check_name(self) -> None:
        """The typed name is what is seen. Raises SignatureInvalid. Stored ones of before may hold what nobody sees."""
        if (character := invisible(self.text)) is not None:
            raise SignatureInvalid(f"The name holds a character that nobody sees: {named(character)}.")

    def _check_typed(self) -> None:
        if self.strokes or self.pointer != "keyboard":
            raise SignatureInvalid("A typed signature has no strokes.")
        if len(normalised(self.text)) not in TEXT_LENGTH:
            raise SignatureInvalid("Type your name to sign.")

    def _check_drawn(self) -> None:
        if self.text or self.pointer == "keyboard":
            raise SignatureInvalid("A drawn signature has no text.")
        if not (0 < self.width <= MAX_BOX and 0 < self.height <= MAX_BOX):
            raise SignatureInvalid("The box of the signature has no usable size.")
        points = [point for stroke in self.strokes for point in stroke]
        if len(self.strokes) > MAX_STROKES or len(points) > MAX_POINTS:
            raise SignatureInvalid(f"A signature has at most {MAX_STROKES} strokes and {MAX_POINTS} points.")
        before = 0
        for x, y, at, pressure in points:
            if not (0 <= x <= self.width and 0 <= y <= self.height and 0 <= pressure <= FULL_PRESSURE):
                raise SignatureInvalid("A point lies outside the box.")
            if not before <= at <= MAX_MILLISECONDS:
                raise SignatureInvalid("The points are not in the order of time.")
            before = at
        if not self._has_extent(points):
            raise SignatureInvalid("Please sign: a dot is not a signature.")

    def _has_extent(self, points: Sequence[Point]) -> bool:
        """A slip of the finger is not a signature: the strokes span a twentieth of the box's longer side."""
        if len(points) < 2:
            return False
        span = max(max(p[axis] for p in points) - min(p[axis] for p in points) for axis in (0, 1))
        return span * 20 >= max(self.width, self.height)


def draw(signature: Signature) -> str:
    """The drawn signature as SVG, cropped to its ink: numbers alone come from outside, so nothing foreign gets in."""
    points = [point for stroke in signature.strokes for point in stroke]
    pen = max(signature.width, signature.height) / 200
    left, top = min(p[0] for p in points) - pen * 2, min(p[1] for p in points) - pen * 2
    right, bottom = max(p[0] for p in points) + pen * 2, max(p[1] for p in points) + pen * 2
    ink = "".join(_stroke(stroke, pen) for stroke in signature.strokes if stroke)
    box = f"{left:.1f} {top:.1f} {right - left:.1f} {bottom - top:.1f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" fill="none" stroke="#0b1f4b" '
        f'stroke-linecap="round" stroke-linejoin="round">{ink}</svg>'
    )


def _stroke(points: Sequence[Point], pen: float) -> str:
    """Curves through the midpoints between points: smooth, and true to where the pen was."""
    width = pen * (0.6 + sum(p[3] for p in points) / len(points) / FULL_PRESSURE * 0.8)
    first = points[0]
    if len(points) == 1:
        return f'<circle cx="{first[0]}" cy="{first[1]}" r="{width / 2:.1f}" fill="#0b1f4b" stroke="none"/>'
    path = [f"M{first[0]} {first[1]}"]
    for here, after in pairwise(points[1:]):
        path.append(f"Q{here[0]} {here[1]} {(here[0] + after[0]) / 2:.1f} {(here[1] + after[1]) / 2:.1f}")
    path.append(f"L{points[-1][0]} {points[-1][1]}")
    return f'<path d="{"".join(path)}" stroke-width="{width:.1f}"/>'
