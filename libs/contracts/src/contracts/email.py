"""E-mail addresses, valid as email-validator says, without asking it about those that are plainly right."""

import re
from typing import Annotated, Final

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES
from pydantic import EmailStr, ValidatorFunctionWrapHandler, WrapValidator

from contracts.characters import IGNORABLE

# Lower-case ASCII words with single dots, and a domain of labels without punycode: the library changes nothing about
# these, and takes 45 µs to say so, three times on a booking's way.
_WORDS: Final = r"(?=[^@]{1,64}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*"
_LABELS: Final = r"(?=.{4,190}$)(?:(?!..--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
_PLAIN: Final = re.compile(rf"{_WORDS}@{_LABELS}(?P<top>[a-z]{{2,63}})")


_FRAMED: Final = re.compile(r"<\s*([^<>]+@[^<>]+)>\s*$")
#: Far above what an address may have: nothing is looked for in what is longer.
_LONGEST: Final = 1000


def as_meant(text: str) -> str:
    """An address without what pasting brings along: invisible characters, spaces around it and its @, "mailto:", the
    frame that mail programs put around it, the full stop after it."""
    if len(text) > _LONGEST:
        return text
    bare = "".join(character for character in text if character not in IGNORABLE).strip()
    framed = _FRAMED.search(bare)
    address = re.sub(r"^mailto:", "", framed[1] if framed else bare, flags=re.IGNORECASE)
    return re.sub(r"\s*@\s*", "@", address).strip().rstrip(".,;")


def for_the_wire(address: str) -> str:
    """`address` with its domain as every mail server knows it (IDNA): only a local part may need SMTPUTF8 (RFC 6531).

    One that has no such form stays as it is.
    """
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return address


def _valid(value: object, ask_library: ValidatorFunctionWrapHandler) -> str:
    if isinstance(value, str) and not _plain(value):
        value = as_meant(value)
    if isinstance(value, str) and _plain(value):
        return value
    address: str = ask_library(value)
    return address


def _plain(text: str) -> bool:
    plain = _PLAIN.fullmatch(text)
    return plain is not None and plain["top"] not in SPECIAL_USE_DOMAIN_NAMES


#: An e-mail address (RFC 5321, 5322), its domain in lower case and readable: not as punycode.
Email = Annotated[EmailStr, WrapValidator(_valid)]
