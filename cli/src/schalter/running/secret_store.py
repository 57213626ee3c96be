"""Passwords and keys, made once and kept in `var/secrets.json` for this user alone."""

import json
import os
import secrets
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Literal

from schalter.embedded import SchalterError


def write_private(path: Path, text: str) -> None:
    """Replaces `path` at once, readable by its owner alone from its first byte on."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)


class SecretStore:
    """Named secrets: one that is asked for and not there is made. `save` keeps them."""

    def __init__(self, path: Path) -> None:
        """Reads `path` if it exists. Raises SchalterError when it is not what `save` wrote."""
        self._path = path
        self._values: dict[str, str] = {}
        if path.exists():
            try:
                self._values = dict(json.loads(path.read_text()))
            except ValueError:
                raise SchalterError(f"{path} is damaged. Restore it, or remove the folder to start afresh.") from None

    def password(self, name: str) -> str:
        """128 random bits. The letter in front keeps NATS from reading a password of digits as a number."""
        return self._values.setdefault(name, f"s{secrets.token_hex(16)}")

    def passwords(self, name: str) -> tuple[str, ...]:
        """All that the server shall take: the one in use, then those announced and retired, where there are any."""
        others = (self._values.get(f"{name}_{which}") for which in ("next", "former"))
        return (self.password(name), *(each for each in others if each))

    def stage(self, name: str) -> Literal["announced", "used"] | None:
        """Which half of a turn of a password was the last; None when none is under way, the old one dropped."""
        if f"{name}_next" in self._values:
            return "announced"
        return "used" if f"{name}_former" in self._values else None

    def turn_password(self, name: str) -> Literal["announced", "used"]:
        """Half a turn of a password: the first makes another one, the second takes it into use and retires the old one.

        Between both the server has to take all `passwords`. Raises SchalterError while one is retired and not dropped:
        somebody may still have it.
        """
        old = self.password(name)
        if f"{name}_next" in self._values:
            self._values[name], self._values[f"{name}_former"] = self._values.pop(f"{name}_next"), old
            return "used"
        if f"{name}_former" in self._values:
            raise SchalterError("The one before is still taken. Drop it first: schalter keys drop")
        self._values[f"{name}_next"] = f"s{secrets.token_hex(16)}"
        return "announced"

    def drop_password(self, name: str) -> bool:
        """Forgets the password that was retired; whether there was one."""
        return self._values.pop(f"{name}_former", None) is not None

    def key_pair(self, name: str) -> tuple[str, str]:
        """An Ed25519 pair (private, public): raw, base64url without padding."""
        if f"{name}_private" not in self._values:
            from chassis.tokens import generate_keys  # heavy, and needed on the first start only

            self._values[f"{name}_private"], self._values[f"{name}_public"] = generate_keys()
        return self._values[f"{name}_private"], self._values[f"{name}_public"]

    def public_keys(self, name: str) -> str:
        """All whose signatures are good, as the services' settings take them: announced, signing, retired ones.

        The last is the oldest, which tokens of before keys had names are taken to be signed with.
        """
        signing = self.key_pair(name)[1]
        announced = self._values.get(f"{name}_next_public")
        return ",".join([*([announced] if announced else []), signing, *self.retired(name)])

    def retired(self, name: str) -> dict[str, date]:
        """Public keys that sign no more, the newest first, and since when."""
        entries = self._values.get(f"{name}_retired", "").split()
        return {key: date.fromisoformat(since) for key, _, since in (entry.partition("@") for entry in entries)}

    def announced(self, name: str) -> str | None:
        """The public key that is known to those who verify, and will sign after the next `turn`."""
        return self._values.get(f"{name}_next_public")

    def turn(self, name: str, today: date) -> Literal["announced", "signs"]:
        """Half a turn of a key pair: the first announces another one, the second lets it sign and retires the old one.

        Between both everybody has to read `public_keys`, so that nobody meets a signature of a key unknown to them.
        """
        public = self.key_pair(name)[1]
        if f"{name}_next_private" not in self._values:
            from chassis.tokens import generate_keys

            self._values[f"{name}_next_private"], self._values[f"{name}_next_public"] = generate_keys()
            return "announced"
        self._retire(name, {public: today} | self.retired(name))
        self._values[f"{name}_private"] = self._values.pop(f"{name}_next_private")
        self._values[f"{name}_public"] = self._values.pop(f"{name}_next_public")
        return "signs"

    def drop(self, name: str, until: date) -> list[str]:
        """Forgets the public keys that were retired on the day `until` or before, and returns them."""
        retired = self.retired(name)
        gone = [key for key, since in retired.items() if since <= until]
        self._retire(name, {key: since for key, since in retired.items() if key not in gone})
        return gone

    def _retire(self, name: str, keys: Mapping[str, date]) -> None:
        self._values[f"{name}_retired"] = " ".join(f"{key}@{since}" for key, since in keys.items())

    def save(self) -> None:
        """Writes what was made since."""
        write_private(self._path, json.dumps(self._values, indent=1) + "\n")
