"""What people type about themselves, at every door of every service.

The doors are strict. Events are not (`CitizenContact`): what was once accepted goes on being read.
"""

import re
import unicodedata
from functools import cache
from typing import Annotated, Final
from zoneinfo import available_timezones

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult, shortnumberinfo
from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from contracts.characters import IGNORABLE, one_line
from contracts.email import Email

#: A number without a country's code is one of the country that the offices are in (ISO 3166).
COUNTRY: Final = "DE"
_OWN_CODE: Final = phonenumbers.country_code_for_region(COUNTRY)
#: What people write between digits.
_BETWEEN: Final = re.compile(r"[\s()/.\-\u2010-\u2015]")
#: Zones that say nothing about where somebody is.
_NOWHERE: Final = frozenset({"Factory", "localtime"})


def e164(text: str) -> str:
    """A telephone number that can be called from anywhere, as it travels: "+491712345678" (ITU-T E.164).

    For a validator. It is written with its area code, or with its country's code ("+41", "0041"). Refuses emergency and
    service numbers (110, 112, 115): nobody can be called back there.
    """
    typed = "".join(character for character in text if character not in IGNORABLE)
    digits = _BETWEEN.sub("", unicodedata.normalize("NFKC", typed))
    try:
        # Letters would be dialled as keys, or be an extension, which E.164 does not hold.
        number = None if re.search(r"[^\d+]", digits) else phonenumbers.parse(digits, COUNTRY)
    except phonenumbers.NumberParseException:
        number = None
    if number is None:
        raise PydanticCustomError("phone_invalid", "is no telephone number")
    short = PhoneNumber(number.country_code, number.national_number)
    valid = phonenumbers.is_valid_number(number)
    if shortnumberinfo.is_valid_short_number(short) and not valid:
        raise PydanticCustomError(
            "phone_service", "is an emergency or service number, at which nobody can be called back"
        )
    if digits[0] not in "0+":
        raise PydanticCustomError("phone_incomplete", "has no area code: it begins with 0, or with + and a country")
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    # Of the own country all ranges are known; of others the length has to do.
    if not possible or (number.country_code == _OWN_CODE and not valid):
        raise PydanticCustomError("phone_invalid", "is no telephone number: it is too short or too long")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOWHERE


def known_zone(name: object) -> str | None:
    """The name of a zone of the IANA database; None for what is none, which means the office's zone.

    Browsers say "Etc/Unknown", and name zones that are newer than our database.
    """
    return name if isinstance(name, str) and name in _zones() else None


#: What somebody is called: one letter or many, in any script, on one line.
PersonName = Annotated[
    str,
    StringConstraints(max_length=1000),  # looked through letter by letter, and shorter in its one form
    AfterValidator(one_line),
    Field(min_length=1, max_length=200),
]
#: An e-mail address, without what pasting brings along.
PersonEmail = Annotated[Email, Field(max_length=254)]
#: A telephone number, E.164.
Phone = Annotated[str, StringConstraints(max_length=40), AfterValidator(e164)]
#: Where somebody is; None is the office's zone.
TimeZone = Annotated[Annotated[str, StringConstraints(max_length=64)] | None, BeforeValidator(known_zone)]
