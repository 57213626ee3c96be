"""One word per thing: what people read uses the words of docs/vocabulary.md, on pages, in mails and on paper."""

from collections.abc import Callable, Iterator

import dictionaries
import pytest
import readings
from vocabulary import Text, read

VOCABULARY = read()
SOURCES: list[Callable[[], Iterator[Text]]] = [
    dictionaries.of_pages,
    dictionaries.of_python,
    dictionaries.of_templates,
    readings.of_catalogue,
    readings.of_mails,
    readings.of_papers,
]


def wrong(texts: list[Text]) -> str:
    return "\n".join(found for text in texts for found in VOCABULARY.strays_in(text))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__.removeprefix("of_"))
def test_there_is_one_word_per_thing(source: Callable[[], Iterator[Text]]) -> None:
    texts = list(source())
    assert {text.language for text in texts} == {"de", "en"}
    assert not wrong(texts)


def test_there_is_one_word_per_thing_in_refusals() -> None:
    texts = list(dictionaries.of_problems())
    said = {text.said for text in texts}
    assert {"There is nothing here", "This time has just been taken", "Take the case before you work on it."} <= said
    assert not wrong(texts)


async def test_there_is_one_word_per_thing_at_the_payment() -> None:
    texts = await readings.of_payment()
    assert "Posten" in texts[0].said
    assert not wrong(texts)


def test_pages_mails_and_papers_are_read_in_full() -> None:
    """What is searched is what people see: each kind of text is there, with words known to stand in it."""
    pages = [text.said for text in dictionaries.of_pages()]
    # Strings, both branches of a function, and what stands around a value.
    assert {"Termin jetzt buchen", "Fall abschließen", "1 freie Zeit", "… freie Zeiten", "Fall von …"} <= set(pages)
    mails = {text.place: text for text in readings.of_mails()}
    assert len(mails) >= 10 * 4 * 2
    assert "Nichts wird aufgezeichnet." in mails["mail confirmation.de.html"].said
    assert mails["mail refund.plain.de.text"].plain
    papers = {text.place: " ".join(text.said.split()) for text in readings.of_papers()}
    assert "Nachweis" in papers["paper application, drawn.de"]
    assert "noch nicht unterschrieben" in papers["paper application, confirmed.de"]
    assert "by typing the name" in papers["paper application, typed.en"]
    assert "Quittungsnummer" in papers["paper receipt over 4600.de"]


@pytest.mark.parametrize(
    ("language", "said", "word"),
    [
        ("de", "Ihr Vorgang ist noch offen.", "Vorgang"),
        ("de", "Der Videoanruf beginnt.", "Videoanruf"),
        ("de", "Ihr Zeichen: HD-7", "Ihr Zeichen"),
        ("de", "Bürger*innen warten", "Bürger*innen"),
        ("de", "Das Unterschrifts\N{SOFT HYPHEN}feld ein\N{SOFT HYPHEN}spielen", "einspielen"),
        ("de", "Stumm\N{NO-BREAK SPACE}schalten", "Stumm"),
        ("en", "MUTE", "MUTE"),
        ("en", "Your reference: HD-7", "reference"),
        ("en", "We send you a mail.", "mail"),
    ],
)
def test_a_stray_is_found(language: str, said: str, word: str) -> None:
    (first, *_) = VOCABULARY.strays_in(Text("planted", "de" if language == "de" else "en", said))
    assert word in first


@pytest.mark.parametrize(
    "text",
    [
        Text("planted", "de", "Eine E-Mail für den Fall, dass etwas nicht klappt."),
        Text("planted", "de", "Belegart O"),
        Text("planted", "de", "Fall abschließen", clerks_only=True),
        Text("planted", "en", "We reserved a time in case it does not work."),
        Text("planted", "en", "Vorgang"),
    ],
)
def test_what_is_right_is_left_alone(text: Text) -> None:
    assert VOCABULARY.strays_in(text) == []


def test_some_words_are_right_for_clerks_or_in_ordinary_language_only() -> None:
    known = read(
        "| code |\n|---|\n| fee | Gebühr | | fee | | `Kosten` for citizens, `Erstattung` in plain language | |\n"
    )
    assert known.strays_in(Text("here", "de", "Kosten"))
    assert not known.strays_in(Text("here", "de", "Kosten", clerks_only=True))
    assert known.strays_in(Text("here", "de", "Erstattung", plain=True))
    assert not known.strays_in(Text("here", "de", "Erstattung"))


def test_the_table_agrees_with_itself() -> None:
    """The word for one thing is not the wrong word for another."""
    ours = [Text(row[0], "de", cell, clerks_only=True) for row in VOCABULARY.things for cell in row[1:3]]
    ours += [Text(row[0], "en", row[3], clerks_only=True) for row in VOCABULARY.things]
    assert not wrong(ours)


def test_every_thing_has_a_word_in_both_languages_and_a_meaning() -> None:
    assert len(VOCABULARY.things) > 30
    for thing, german, _, english, meaning, *_ in VOCABULARY.things:
        assert german, thing
        assert english, thing
        assert meaning, thing
    names = [row[0] for row in VOCABULARY.things]
    assert len(names) == len(set(names))


def test_a_row_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="fee"):
        read("| code |\n|---|\n| fee | Gebühr | fee |\n")
