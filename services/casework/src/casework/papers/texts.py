"""What the papers say, in German and English."""

from collections.abc import Mapping

from contracts.text import Language, Localised


def _both(de: str, en: str) -> Localised:
    return Localised(de=de, en=en)


TEXTS: Mapping[str, Localised] = {
    "page": _both("Seite", "Page"),
    "of": _both("von", "of"),
    "application": _both("Antrag", "Application"),
    "reference": _both("Terminnummer", "Appointment number"),
    "appointment": _both("Termin", "Appointment"),
    "fee": _both("Gebühr", "Fee"),
    "free": _both("kostenlos", "free of charge"),
    "confirmed": _both("Bestätigt", "Confirmed"),
    "entries": _both("Angaben", "Entries"),
    "field": _both("Feld", "Field"),
    "value": _both("Angabe", "Entry"),
    "statement": _both("Erklärung", "Declaration"),
    "signature": _both("Unterschrift", "Signature"),
    "attachment": _both("Der Antrag in maschinenlesbarer Form", "The application in machine-readable form"),
    "application_about": _both("Antrag aus einem Videotermin", "Application made in a video appointment"),
    "receipt_about": _both("Quittung über einen Videotermin", "Receipt for a video appointment"),
    "record_about": _both("Bestätigung zu einem Videotermin", "Confirmation of a video appointment"),
    "draft": _both(
        "Entwurf. Dieser Antrag ist noch nicht bestätigt und nicht unterschrieben.",
        "Draft. This application has not been confirmed or signed yet.",
    ),
    "unsigned": _both(
        "Dieser Antrag ist bestätigt, aber noch nicht unterschrieben.",
        "This application has been confirmed, but not signed yet.",
    ),
    "proof": _both("Nachweis", "Proof"),
    "proof_text": _both(
        "Bestätigung und Unterschrift gelten genau für diesen Inhalt. "
        "Zum Nachprüfen: SHA-256 der angehängten Datei document.json.",
        "Confirmation and signature are given for exactly this content. "
        "To verify it: SHA-256 of the attached file document.json.",
    ),
    "signature_alt": _both("Handschriftliche Unterschrift von {name}", "Handwritten signature of {name}"),
    "signed_drawn": _both("Im Videotermin unterschrieben am {at}", "Signed in the video appointment on {at}"),
    "signed_typed": _both(
        "Im Videotermin durch Eingabe des Namens unterschrieben am {at}",
        "Signed in the video appointment by typing the name on {at}",
    ),
    "citizen": _both("der antragstellenden Person", "the applicant"),
    "receipt": _both("Quittung", "Receipt"),
    "record": _both("Bestätigung", "Confirmation"),
    "receipt_number": _both("Quittungsnummer", "Receipt number"),
    "completed": _both("Abgeschlossen", "Completed"),
    "name": _both("Name", "Name"),
    "greeting": _both(
        "Ihr Anliegen ist aufgenommen und abgeschlossen. Das haben wir für Sie erledigt:",
        "Your request has been taken up and completed. This is what we did for you:",
    ),
    "services": _both("Anliegen", "Services"),
    "service": _both("Anliegen", "Service"),
    "amount": _both("Betrag", "Amount"),
    "total": _both("Summe", "Total"),
    "paid": _both(
        "Der Betrag wurde am {at} über {provider} bezahlt.",
        "The amount was paid on {at} through {provider}.",
    ),
    "nothing_due": _both("Es ist nichts zu bezahlen.", "There is nothing to pay."),
    "next": _both("So geht es weiter", "What happens next"),
    "closing": _both(
        "Dieses Schreiben ist elektronisch erstellt und ohne Unterschrift gültig.",
        "This letter was made electronically and is valid without a signature.",
    ),
}


def labels(language: Language) -> dict[str, str]:
    """All texts in `language`."""
    return {key: text.in_language(language) for key, text in TEXTS.items()}
