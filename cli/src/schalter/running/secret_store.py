"""Passwords and keys, made once and kept in `var/secrets.json` for this user alone."""

import json
import os
import secrets
from pathlib import Path

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

    def key_pair(self, name: str) -> tuple[str, str]:
        """An Ed25519 pair (private, public): raw, base64url without padding."""
        if f"{name}_private" not in self._values:
            from chassis.tokens import generate_keys  # heavy, and needed on the first start only

            self._values[f"{name}_private"], self._values[f"{name}_public"] = generate_keys()
        return self._values[f"{name}_private"], self._values[f"{name}_public"]

    def save(self) -> None:
        """Writes what was made since."""
        write_private(self._path, json.dumps(self._values, indent=1) + "\n")
