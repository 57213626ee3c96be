"""The approval page's words, in German and English."""

TEXTS = {
    "de": {
        "title": "Zahlung freigeben",
        "label": "Simulator",
        "notice": "Dies ist eine Nachbildung zum Ausprobieren. Es fließt kein Geld, und es ist nicht PayPal.",
        "payee": "Empfänger",
        "items": "Posten",
        "total": "Gesamtbetrag",
        "approve": "Zahlung freigeben",
        "cancel": "Abbrechen und zurück",
        "hold": "Der Betrag wird zunächst nur reserviert und erst am Ende Ihres Termins eingezogen.",
        "settled_title": "Diese Zahlung ist bereits freigegeben",
        "settled": "Sie können dieses Fenster schließen und zum Gespräch zurückkehren.",
        "unknown_title": "Diese Zahlung gibt es nicht",
        "unknown": "Die Adresse ist falsch, oder der Simulator wurde inzwischen neu gestartet. "
        "Starten Sie die Zahlung im Gespräch bitte noch einmal.",
    },
    "en": {
        "title": "Approve payment",
        "label": "Simulator",
        "notice": "This is an imitation for trying things out. No money moves, and it is not PayPal.",
        "payee": "Payee",
        "items": "Items",
        "total": "Total",
        "approve": "Approve payment",
        "cancel": "Cancel and go back",
        "hold": "The amount is only reserved for now and taken at the end of your appointment.",
        "settled_title": "This payment is already approved",
        "settled": "You can close this window and return to the call.",
        "unknown_title": "There is no such payment",
        "unknown": "The address is wrong, or the simulator was restarted. Please start the payment in the call again.",
    },
}


def language_of(header: str) -> str:
    """The better liked of German and English in an Accept-Language header; English for everybody else."""
    best, language = 0.0, "en"
    for entry in header.split(","):
        tag, _, parameters = entry.strip().partition(";")
        primary = tag.split("-")[0].strip().lower()
        if primary not in TEXTS:
            continue
        try:
            weight = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            continue
        if weight > best:
            best, language = weight, primary
    return language


def money(cents: int, currency: str, language: str) -> str:
    """An amount as people write it."""
    sign = "€" if currency == "EUR" else currency
    if language == "de":
        return f"{cents // 100},{cents % 100:02d}\N{NO-BREAK SPACE}{sign}"
    return f"{sign}{cents // 100}.{cents % 100:02d}"
