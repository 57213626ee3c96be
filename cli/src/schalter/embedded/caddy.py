"""Caddy, the gateway: the only part that the outside sees."""

from collections.abc import Mapping
from pathlib import Path

from schalter.embedded import tools
from schalter.embedded.network import http_status
from schalter.embedded.part import Part
from schalter.embedded.process import Program


class Caddy(Part):
    """One Caddy with the Caddyfile of deploy/gateway, whose placeholders `env` fills."""

    name = "gateway"

    def __init__(self, directory: Path, port: int, *, caddyfile: Path, env: Mapping[str, str], log: Path) -> None:
        """`directory` keeps Caddy's own state. Nothing runs before `start`."""
        self.directory = directory
        self.port = port
        self.log = log
        self._caddyfile = caddyfile
        self._env = env

    def prepare(self) -> None:
        """Makes the state folder."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def program(self) -> Program:
        """Ready means: answering HTTP on its port."""
        home = str(self.directory.resolve())
        return Program(
            name=self.name,
            argv=(
                *(str(tools.script("caddy")), "run"),
                *("--config", str(self._caddyfile.resolve()), "--adapter", "caddyfile"),
            ),
            env={**self._env, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home},
            ready=self._answers,
            log=self.log,
        )

    def _answers(self) -> bool:
        # Any answer will do: it is Caddy that is asked, not what lies behind it.
        return http_status(self.port, "/") is not None
