"""Where things are: the checkout that is run, and `var/`, where its state is kept."""

import os
from dataclasses import dataclass
from pathlib import Path

from schalter.embedded import SchalterError

_MARK = Path("deploy/gateway/Caddyfile")


@dataclass(frozen=True)
class Home:
    """The folders of one installation."""

    root: Path
    var: Path

    @classmethod
    def find(cls, var: Path | None = None) -> "Home":
        """The checkout around the working directory, else the one this code lies in. Raises SchalterError."""
        for start in (Path.cwd(), Path(__file__).resolve().parent):
            for folder in (start, *start.parents):
                if (folder / _MARK).is_file():
                    return cls(root=folder, var=(var or folder / "var").absolute())
        raise SchalterError(f"No Schalter here: {_MARK} is neither in this folder nor in one above it.")

    @property
    def logs(self) -> Path:
        """One log per part."""
        return self.var / "log"

    @property
    def caddyfile(self) -> Path:
        """The gateway's configuration."""
        return self.root / _MARK

    @property
    def web(self) -> Path:
        """The built pages."""
        return self.root / "web" / "dist"

    @property
    def offices(self) -> Path:
        """The office files; SCHALTER_OFFICES_DIR names another folder than the checkout's."""
        return Path(os.environ.get("SCHALTER_OFFICES_DIR") or self.root / "deploy" / "offices")

    @property
    def demo_clerks(self) -> Path:
        """The demo clerks with their passwords."""
        return self.var / "demo-clerks.json"

    @property
    def state(self) -> Path:
        """Addresses and process ids of the running system; absent when none runs."""
        return self.var / "up.json"
