"""What is decided without the library is what the library would say."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import EmailStr, TypeAdapter, ValidationError

from contracts.email import Email, as_meant, for_the_wire

_LIBRARY = TypeAdapter(EmailStr)
_OURS = TypeAdapter(Email)


def outcome(adapter: TypeAdapter[str], text: object) -> str | None:
    try:
        return adapter.validate_python(text)
    except ValidationError:
        return None


_PIECES = st.sampled_from(
    ["a", "b9", "-", "--", "_", "+", ".", "@", "org", "test", "local", "xn--", "de", "A", "ä", " ", '"', "<", "é",
     "arpa", "info", "x" * 30, "localhost", "\n", "1", "[", "]", "postmaster", "."]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=9).map("".join) | st.emails())
@example("erika@example.org")
@example("erika@example.test")
@example("a@b.invalid")
@example("a" * 64 + "@example.org")
@example("a" * 65 + "@example.org")
@example("a@" + "x" * 63 + ".org")
@example("a@" + "x" * 64 + ".org")
@example("a@" + "x." * 126 + "org")
@example("a@ab--c.org")
@example("a@xn--bro-hoa.de")
@example("a@x.org\n")
@example("a@-x.org")
@example("a@x-.org")
@example("a@x.o")
@example("a@x.12")
@example("a..b@x.org")
def test_an_address_is_judged_as_the_library_judges_what_was_meant(text: str) -> None:
    assert outcome(_OURS, text) == outcome(_LIBRARY, as_meant(text))


@pytest.mark.parametrize("value", [None, 3, b"a@example.org", ["a@example.org"]])
def test_what_is_no_text_is_no_address(value: object) -> None:
    assert outcome(_OURS, value) == outcome(_LIBRARY, value)


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("amelie@example.org", "amelie@example.org"),
        ("info@müller.de", "info@xn--mller-kva.de"),
        ("info@Straße.example", "info@xn--strae-oqa.example"),
        ("amélie@müller.de", "amélie@xn--mller-kva.de"),
        ("info@\u2028.de", "info@\u2028.de"),
        ("", ""),
    ],
)
def test_a_domain_is_written_so_that_every_server_knows_it(address: str, sent: str) -> None:
    assert for_the_wire(address) == sent


def test_a_domain_in_punycode_is_kept_readable_and_sent_as_it_was() -> None:
    assert _OURS.validate_python("info@xn--mller-kva.de") == "info@müller.de"
    assert for_the_wire("info@müller.de") == "info@xn--mller-kva.de"
