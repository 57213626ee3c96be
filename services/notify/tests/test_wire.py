"""What is handed to the mail server is what its reader reads, by the standard library's reading."""

from email.message import EmailMessage

import pytest

from notify import mime
from notify.mime import Mail, Part

LONG = "Ihr Videotermin am Dienstag, 1. Dezember 2026, 09:00 Uhr, im Bürgeramt der Stadt Nürnberg (N-7K3M9Q)"


def mail(*head: bytes, parts: list[Part] | None = None, recipient: str = "a@example.org") -> Mail:
    whole = mime.join("mixed", "=_b", parts or [Part.text("plain", "x\n")])
    return Mail("noreply@town.example", recipient, b"".join((*head, whole.head, b"\r\n", whole.body)))


def part(sent: Mail) -> EmailMessage:
    (one,) = sent.read().iter_parts()
    assert isinstance(one, EmailMessage)
    return one


@pytest.mark.parametrize(
    "said",
    ["Termin", LONG, LONG.encode("ascii", "ignore").decode(), "März =?utf-8?q?x?=", "w" * 200, "ä" * 200, "a  b"],
)
def test_a_subject_is_read_as_it_was_written(said: str) -> None:
    sent = mail(mime.text("Subject", said))
    assert sent.content.isascii()
    assert sent.read()["Subject"] == said


@pytest.mark.parametrize("address", ["a@example.org", "a+b.c@sub.example.org", '"odd one"@example.org'])
def test_an_address_is_read_as_it_was_written(address: str) -> None:
    sent = mail(mime.mailbox("To", address), recipient=address)
    assert sent.content.isascii()
    assert not sent.international
    assert [each.addr_spec for each in sent.read()["To"].addresses] == [address]


def test_a_name_is_shown_beside_its_address() -> None:
    (sender,) = mail(mime.mailbox("From", "noreply@town.example", "Bürgeramt, Nürnberg")).read()["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Bürgeramt, Nürnberg", "noreply@town.example")


def test_an_address_in_another_alphabet_is_written_as_it_is() -> None:
    sent = mail(mime.mailbox("To", "jürgen@example.org"), recipient="jürgen@example.org")
    assert sent.international
    assert [each.addr_spec for each in sent.read()["To"].addresses] == ["jürgen@example.org"]


@pytest.mark.parametrize("said", ["a\r\nBcc: b@example.org", "a\nb", "a\r"])
def test_no_value_ends_its_header(said: str) -> None:
    with pytest.raises(ValueError, match=r"line|CR or LF|carriage"):
        mime.text("Subject", said)
    with pytest.raises(ValueError, match=r"line|CR or LF|carriage"):
        mime.mailbox("To", f"{said}@example.org")


@pytest.mark.parametrize("said", ["x\n", "-- \nAmt\n", ".\n..\n", "--=_b\n", "Straße " * 100 + "\n", "a=3D\n\n\nb\n"])
def test_text_is_read_as_it_was_written(said: str) -> None:
    """Also what is a boundary or the end of a mail elsewhere."""
    sent = mail(parts=[Part.text("plain", said)])
    assert sent.content.isascii()
    assert max(len(line) for line in sent.content.split(b"\r\n")) <= 78
    assert b"\n" not in sent.content.replace(b"\r\n", b"")
    assert part(sent).get_content() == said


def test_a_calendar_entry_is_read_byte_by_byte() -> None:
    entry = "BEGIN:VCALENDAR\r\n" + "SUMMARY:ä\r\n" * 50
    read = part(mail(parts=[Part.calendar("REQUEST", entry, filename="termin.ics")]))
    assert (read.get_content_type(), read.get_param("method"), read.get_filename()) == (
        "text/calendar",
        "REQUEST",
        "termin.ics",
    )
    assert read.get_payload(decode=True) == entry.encode()
