"""Pictures for a fake camera: a person who moves a little, as Chromium reads them from a y4m file."""

import math
from dataclasses import dataclass
from pathlib import Path

WIDTH, HEIGHT, FRAMES, RATE = 640, 480, 20, 10
Colour = tuple[int, int, int]
SKIN, HAIR = (214, 166, 134), (66, 48, 40)


@dataclass(frozen=True)
class Look:
    """Who sits in front of the camera: the wall behind them tells the two people of a call apart."""

    wall: Colour
    clothes: Colour


CITIZEN = Look(wall=(205, 120, 90), clothes=(240, 236, 225))
CLERK = Look(wall=(84, 130, 196), clothes=(38, 52, 84))


def write(path: Path, look: Look) -> Path:
    """Write the film of `look` to `path`; Chromium repeats it for ever."""
    with path.open("wb") as film:
        film.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(FRAMES):
            film.write(b"FRAME\n" + _frame(look, math.sin(2 * math.pi * number / FRAMES)))
    return path


def _frame(look: Look, sway: float) -> bytes:
    planes = [bytearray([value]) * size for value, size in zip(_yuv(look.wall), _sizes(), strict=True)]
    x = WIDTH / 2 + 14 * sway
    for centre_x, centre_y, radius_x, radius_y, colour in (
        (WIDTH / 2 + 6 * sway, 500, 190, 150, look.clothes),
        (x, 330, 42, 70, SKIN),
        (x, 205, 98, 118, HAIR),
        (x, 235, 80, 105, SKIN),
        (x - 30, 220, 9, 7, HAIR),
        (x + 30, 220, 9, 7, HAIR),
        (x, 285, 26, 6 + 4 * sway, (150, 70, 70)),
    ):
        _ellipse(planes, centre_x, centre_y, radius_x, radius_y, colour)
    return b"".join(planes)


def _sizes() -> tuple[int, int, int]:
    return WIDTH * HEIGHT, WIDTH * HEIGHT // 4, WIDTH * HEIGHT // 4


def _ellipse(planes: list[bytearray], x: float, y: float, radius_x: float, radius_y: float, colour: Colour) -> None:
    for plane, value, scale in zip(planes, _yuv(colour), (1, 2, 2), strict=True):
        width, height = WIDTH // scale, HEIGHT // scale
        for row in range(max(0, int((y - radius_y) / scale)), min(height, int((y + radius_y) / scale))):
            part = 1 - ((row * scale - y) / radius_y) ** 2
            if part <= 0:
                continue
            half = radius_x * math.sqrt(part)
            left, right = max(0, int((x - half) / scale)), min(width, int((x + half) / scale))
            plane[row * width + left : row * width + right] = bytes([value]) * (right - left)


def _yuv(colour: Colour) -> Colour:
    red, green, blue = colour
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(luma), round(128 + 0.564 * (blue - luma)), round(128 + 0.713 * (red - luma))
