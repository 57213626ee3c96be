"""Prometheus and Alertmanager, where the machine has them: they look at what runs, and nothing needs them."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from schalter.embedded.network import LOOPBACK, http_status
from schalter.embedded.part import Part
from schalter.embedded.process import Program

#: Debian's names first.
_NAMES: Final = {"prometheus": ("prometheus",), "alertmanager": ("prometheus-alertmanager", "alertmanager")}
HOW_TO_INSTALL: Final = "sudo apt-get install prometheus prometheus-alertmanager"


def found(part: str) -> Path | None:
    """The machine's program for "prometheus" or "alertmanager"."""
    paths = (shutil.which(name) for name in _NAMES[part])
    return next((Path(path) for path in paths if path), None)


class Prometheus(Part):
    """Scrapes `targets` (ports on this machine, by service), and judges by the rules that production has."""

    name = "prometheus"

    def __init__(
        self,
        directory: Path,
        port: int,
        *,
        rules: Sequence[Path],
        targets: Mapping[str, int],
        alertmanager: int | None = None,
        every: str = "5s",
        advice: Callable[[str], str] = str,
    ) -> None:
        """`directory` keeps series, configuration and log; `advice` says what `rules` say in this system's words.

        Nothing runs before `start`.
        """
        self.directory = directory
        self._rules, self._advice = rules, advice
        self.port = port
        self._configuration = {
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": [path.name for path in rules],
            "scrape_configs": [
                {
                    "job_name": "services",
                    "static_configs": [
                        {"targets": [f"{LOOPBACK}:{number}"], "labels": {"service": service}}
                        for service, number in targets.items()
                    ],
                }
            ],
        }
        if alertmanager:
            managers = [{"static_configs": [{"targets": [f"{LOOPBACK}:{alertmanager}"]}]}]
            self._configuration["alerting"] = {"alertmanagers": managers}

    def prepare(self) -> None:
        """Write the configuration; JSON is YAML."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for rules in self._rules:
            (self.directory / rules.name).write_text(self._advice(rules.read_text()))
        (self.directory / "prometheus.yml").write_text(json.dumps(self._configuration, indent=1))

    def program(self) -> Program:
        """Ready means: it answers questions."""
        data = self.directory.resolve()
        return Program(
            name=self.name,
            argv=(
                str(found(self.name) or self.name),
                f"--config.file={data / 'prometheus.yml'}",
                f"--storage.tsdb.path={data / 'series'}",
                f"--web.listen-address={LOOPBACK}:{self.port}",
                "--log.level=warn",
            ),
            ready=lambda: http_status(self.port, "/-/ready") == 200,
            log=self.directory / "prometheus.log",
        )


class Alertmanager(Part):
    """Mails alerts as production does, here to the mail server on `smtp_port`, which wants no password."""

    name = "alertmanager"

    def __init__(self, directory: Path, port: int, *, configuration: Path, smtp_port: int) -> None:
        """`configuration`: the folder with alertmanager.yml and what fills it in. Nothing runs before `start`."""
        self.directory = directory
        self.port = port
        self._fill_in = configuration.resolve() / "start.sh"
        self._settings = {
            "FILLED": str(directory.resolve()),
            "SCHALTER_SMTP_HOST": LOOPBACK,
            "SCHALTER_SMTP_PORT": str(smtp_port),
            "SCHALTER_SMTP_SECURITY": "none",
            "SCHALTER_SMTP_USER": "",
            "SCHALTER_SMTP_PASSWORD": "",
            "SCHALTER_MAIL_FROM": "Schalter <alerts@schalter.example>",
            "SCHALTER_ALERTS_PAGE": "page@operators.example",
            "SCHALTER_ALERTS_TICKET": "tickets@operators.example",
        }

    def prepare(self) -> None:
        """Make the folder."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def program(self) -> Program:
        """Ready means: it takes alerts."""
        data = self.directory.resolve()
        return Program(
            name=self.name,
            argv=(
                str(self._fill_in),
                str(found(self.name) or self.name),
                f"--config.file={data / 'alertmanager.yml'}",
                f"--storage.path={data / 'data'}",
                f"--web.listen-address={LOOPBACK}:{self.port}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ),
            env=self._settings,
            ready=lambda: http_status(self.port, "/-/ready") == 200,
            log=self.directory / "alertmanager.log",
        )
