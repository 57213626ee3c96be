"""A filled-in form of every service of the catalogue: complete, and with nothing that may be left out."""

from collections.abc import Mapping
from typing import Any, Final

_NAME: Final = {"family_name": "Öztürk", "given_names": "Ayşe Erika", "birth_date": "1984-08-12"}
_PERSON: Final = _NAME | {"address": "Heidestraße 17\n51147 Köln"}
_BORN: Final = {"birth_name": "Öztürk", "birth_place": "İzmir", "nationality": "deutsch"}
_PASS: Final = _PERSON | {
    "birth_place": "İzmir",
    "height_cm": 168,
    "eye_colour": "brown",
    "nationality": "deutsch",
}
_CERTIFICATE: Final = _PERSON | _BORN | {"belegart": "N", "exemption": "none"}
_MOVE: Final = _NAME | {
    "moved_in": "2026-11-01",
    "new_address": "Hauptstraße 1, 69117 Heidelberg",
    "old_address": "Marktplatz 2, 68161 Mannheim",
    "landlord": "Wohnbau GmbH",
}

FILLED: Final[Mapping[str, dict[str, Any]]] = {
    "personalausweis": _PASS,
    "personalausweis-vorlaeufig": _PASS | {"reason": "Reise am 1. Dezember"},
    "reisepass": _PASS | {"variant": "book32"},
    "ausweisverlust": _PERSON
    | {"document": "id_card", "event": "stolen", "event_date": "2026-11-20", "event_place": "Hauptbahnhof"},
    "anmeldung": _MOVE | {"nationality": "türkisch"},
    "ummeldung": _MOVE,
    "abmeldung": _NAME
    | {"moved_out": "2026-11-30", "old_address": "Hauptstraße 1, 69117 Heidelberg", "new_country": "Nepal"},
    "nebenwohnung": _NAME
    | {
        "request": "deregister",
        "main_address": "Hauptstraße 1, 69117 Heidelberg",
        "second_address": "Marktplatz 2, 68161 Mannheim",
        "change_date": "2026-11-01",
    },
    "fuehrungszeugnis": _CERTIFICATE,
    "fuehrungszeugnis-erweitert": _CERTIFICATE | {"requested_by": "Turnverein 1890 e. V."},
    "meldebescheinigung": _PERSON | {"extent": "simple"},
    "aufenthaltsbescheinigung": _PERSON | {"purpose": "Eheschließung"},
    "lebensbescheinigung": _PERSON | {"purpose": "other", "recipient": "Pensionskasse"},
    "untersuchungsberechtigungsschein": _PERSON | {"birth_date": "2010-05-05", "examination": "first"},
    "gewerbezentralregister": _PERSON | _BORN | {"recipient": "private"},
    "uebermittlungssperre": _PERSON | dict.fromkeys(("parties", "jubilees", "directories", "religion"), True),
    "auskunftssperre": _PERSON | {"reasons": "Bedrohung durch einen früheren Partner, Beschluss liegt vor."},
    "bewohnerparkausweis": _PERSON | {"plate": "HD-AB 123", "keeper": "own"},
    "wunschkennzeichen": {
        "family_name": "Öztürk",
        "given_names": "Ayşe Erika",
        "vehicle": "car",
        "plate": "HD-AE 1984",
    },
    "beratung": {"topic": "Welche Unterlagen brauche ich für die Einbürgerung?"},
}
