"""Characters that nobody sees: they turn what is read around, or make two names look like one."""

import unicodedata
from itertools import chain
from typing import Final

import idna
from pydantic_core import PydanticCustomError

#: Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties.txt): what is drawn as nothing.
IGNORABLE: Final = frozenset(
    map(
        chr,
        chain(
            (0xAD, 0x34F, 0x61C, 0x3164, 0xFEFF, 0xFFA0),
            *(
                range(first, last + 1)
                for first, last in (
                    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E),
                    (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
                    (0xE0000, 0xE0FFF),
                )
            ),
        ),
    )
)  # fmt: skip
_BLANK: Final = IGNORABLE | {"\u2800"}  # the empty pattern of Braille
_CONTROLS: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_CONTROL_NAMES: Final = {"\0": "NULL", "\t": "TABULATION", "\n": "LINE FEED", "\r": "CARRIAGE RETURN"}
_JOINERS: Final = "\u200c\u200d"
_SYMBOLS: Final = frozenset({"So", "Sk"})


def invisible(text: str, *, allowed: str = "") -> str | None:
    """The first character of `text` that nobody sees and that no script needs there; None if there is none.

    Control characters and ends of lines are such, unless `allowed`. Joiners are needed between some letters (RFC 5892,
    A.1, A.2) and emoji, and what selects a variant is after the letter or symbol that has it.
    """
    if text.isascii() and text.isprintable():
        return None
    for at, character in enumerate(text):
        if character in allowed:
            continue
        if unicodedata.category(character) in _CONTROLS or (character in _BLANK and not _needed(text, at)):
            return character
    return None


def named(character: str) -> str:
    """`character` as people can look it up: "RIGHT-TO-LEFT OVERRIDE (U+202E)"."""
    name = _CONTROL_NAMES.get(character) or unicodedata.name(character, "CONTROL CHARACTER")
    return f"{name} (U+{ord(character):04X})"


def one_line(text: str) -> str:
    """`text` in one normal form (NFC), with single spaces, trimmed: one name typed on two keyboards is one name.

    For a validator. Refuses what nobody sees, by name.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    normal = unicodedata.normalize("NFC", text.strip())
    if (character := invisible(normal)) is not None:
        raise PydanticCustomError(
            "invisible_character",
            "holds a character that nobody sees: {character}; please type it anew, without it",
            {"character": named(character)},
        )
    return " ".join(normal.split())


def without_invisible(text: str) -> str:
    """`text` as `one_line` gives it, with what nobody sees taken off; only control characters are refused.

    For the office's own words, which are read again from where they were stored before this rule.
    """
    normal = unicodedata.normalize("NFC", text)
    return one_line("".join(c for at, c in enumerate(normal) if c not in _BLANK or _needed(normal, at)))


def _needed(text: str, at: int) -> bool:
    """Whether what stands before the invisible character at this place, and after it, is written with it."""
    character, before = text[at], text[at - 1] if at else " "
    category = unicodedata.category(before)
    if character in _JOINERS:
        after = text[at + 1 : at + 2] or " "
        among_emoji = (category in _SYMBOLS or before == "\ufe0f") and unicodedata.category(after) in _SYMBOLS
        return among_emoji or _joins(text, at)
    if "\u180b" <= character <= "\u180f" and character != "\u180e":
        return "\u1820" <= before <= "\u18aa"
    if "\ufe00" <= character <= "\ufe0f":
        return category in ("So", "Lo") and before not in _BLANK
    return 0xE0100 <= ord(character) <= 0xE01EF and category == "Lo" and before not in _BLANK


def _joins(text: str, at: int) -> bool:
    try:
        return idna.valid_contextj(text, at)
    except ValueError:  # of a character that it does not know
        return False
