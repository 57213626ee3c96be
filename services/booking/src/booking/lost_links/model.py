"""The rules of lost links, plain Python."""

import re
from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

#: How often a day one appointment's link is mailed anew, whoever asks: a stranger at a mistyped address is left alone.
MAX_A_DAY: Final = 3

_BETWEEN: Final = re.compile(r"[\s\-\u2010-\u2015._/]+")
_REFERENCE: Final = re.compile(r"([A-Z]{2})([2-9A-Z]{6})")


def _reference(typed: str) -> str:
    """A reference as it is stored, "HD-7K3M9Q", from how people type it: "hd 7k3m9q"."""
    match = _REFERENCE.fullmatch(_BETWEEN.sub("", typed).upper())
    if match is None:
        raise PydanticCustomError("reference_invalid", "is no appointment number: it looks like HD-7K3M9Q")
    return f"{match[1]}-{match[2]}"


Reference = Annotated[str, StringConstraints(max_length=40), AfterValidator(_reference)]


def mailed_today(mailed: int, on: date | None, today: date) -> int:
    """How often the link was mailed anew on the office's local day `today`."""
    return mailed if on == today else 0
