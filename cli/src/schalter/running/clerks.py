"""Demo clerks: invented people with random passwords, made on the first start. None is built in."""

import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from schalter.running.secret_store import write_private

#: Without letters and digits that look alike.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_PEOPLE = ("Anna Becker", "Mehmet Yılmaz", "Julia Hoffmann", "Jonas Weber", "Sofia Rossi", "Peter Schmitt")
_USERNAMES = ("anna.becker", "mehmet.yilmaz", "julia.hoffmann", "jonas.weber", "sofia.rossi", "peter.schmitt")
#: The demo office gets two, so that a hand-over between clerks can be tried.
_PER_OFFICE = {"demo": 2}


class DemoClerk(TypedDict):
    """One entry of the file that casework reads (DEMO_CLERKS_FILE)."""

    office: str
    username: str
    name: str
    role: str
    password: str


def demo_clerks(path: Path, offices: Iterable[str]) -> list[DemoClerk]:
    """The clerks in `path`, after adding those that `offices` lack. Existing ones keep their passwords."""
    clerks: list[DemoClerk] = json.loads(path.read_text()) if path.exists() else []
    known = {(clerk["office"], clerk["username"]) for clerk in clerks}
    position = 0
    for office in sorted(offices):
        for number in range(_PER_OFFICE.get(office, 1)):
            name, username = _PEOPLE[position % len(_PEOPLE)], _USERNAMES[position % len(_USERNAMES)]
            position += 1
            if (office, username) not in known:
                role = "lead" if number == 0 else "clerk"
                clerks.append(
                    {"office": office, "username": username, "name": name, "role": role, "password": new_password()}
                )
    write_private(path, json.dumps(clerks, indent=1, ensure_ascii=False) + "\n")
    return clerks


def new_password() -> str:
    """Sixteen characters that can be read out on the telephone: 79 random bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
