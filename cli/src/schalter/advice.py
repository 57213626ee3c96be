"""What to do, in the words of the system that runs: remedies and alerts are written once, and typed in two ways."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

#: A command of ours that somebody types as it stands, not one within a path or another command.
_OURS: Final = re.compile(r"(?<![\w/.-])(?<!operator )schalter (?=bus|clerks|events|keys|status)")
_IN_COMPOSE: Final = "docker compose run --rm operator schalter "
_NAME: Final = r"(?P<name>\{\{.*?\}\}|[\w-]+)"
#: With `make up` there are no containers: the supervisor starts again what has ended, and each part has a log.
_WITH_MAKE_UP: Final = (
    (re.compile(r"docker compose run --rm operator schalter "), ".venv/bin/schalter "),
    (_OURS, ".venv/bin/schalter "),
    (re.compile(rf"docker compose logs(?: --\S+)* {_NAME}"), r"tail {logs}/\g<name>.log"),
    (re.compile(rf"docker compose restart {_NAME}"), "Ctrl-C and make up"),
    (re.compile(rf"docker compose ps {_NAME}"), r"tail {logs}/\g<name>.log"),
    (re.compile(r"docker compose ps"), ".venv/bin/schalter status"),
)

#: How something is said to whoever runs this system.
Advice = Callable[[str], str]


def for_compose(text: str) -> str:
    """`text` for a system that docker-compose.yml runs."""
    return _OURS.sub(_IN_COMPOSE, text)


def for_make_up(logs: Path) -> Advice:
    """How to say it where `make up` runs the system, with a log for each part in `logs`."""

    def said(text: str) -> str:
        for pattern, words in _WITH_MAKE_UP:
            text = pattern.sub(words.replace("{logs}", str(logs).replace("\\", r"\\")), text)
        return text

    return said
