"""Who looks at a running system: Prometheus sees that a service is gone, Alertmanager mails what to do."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from contracts.topology import SERVICES
from schalter.embedded import Alertmanager, Process, Program, Prometheus, free_ports, observers
from schalter.embedded.network import LOOPBACK, http_status
from schalter.running.home import Home
from schalter.running.plan import CHECK, make_plan
from schalter.running.secret_store import SecretStore
from schalter.running.up import observers_are_there

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
Eventually = Callable[..., object]
needs_the_programs = pytest.mark.skipif(
    not (observers.found("prometheus") and observers.found("alertmanager")),
    reason=f"Prometheus and Alertmanager are not installed: {observers.HOW_TO_INSTALL}",
)


@pytest.fixture
def ports() -> dict[str, int]:
    return dict(zip(("smtp", "http", "prometheus", "alertmanager", "nobody", "none"), free_ports(6), strict=True))


@pytest.fixture
def mails(ports: dict[str, int], tmp_path: Path) -> Iterator[Callable[[str], list[dict[str, str]]]]:
    """A mail server; what it took for somebody."""
    settings = {"SCHALTER_MAIL_SMTP_PORT": str(ports["smtp"]), "SCHALTER_MAIL_HTTP_PORT": str(ports["http"])}
    ready = partial(http_status, ports["http"], "/readyz")
    argv = (sys.executable, "-m", "simulators.mail")
    process = Process(Program("mail", argv, ready=lambda: ready() == 200, log=tmp_path / "mail.log", env=settings))
    process.wait_ready()
    url = f"http://{LOOPBACK}:{ports['http']}/mail/api/messages"
    yield lambda to: list(httpx.get(url, params={"to": to}).json())
    process.stop()


def quickly(source: Path, target: Path, **instead: str) -> Path:
    """A copy of a configuration that waits for less; everything else is production's."""
    text = source.read_text()
    for what, value in instead.items():
        assert f"{what}: " in text
        text = "".join(
            line.split(f"{what}: ")[0] + f"{what}: {value}\n" if f" {what}: " in line else line
            for line in text.splitlines(keepends=True)
        )
    target.write_text(text)
    return target


@needs_the_programs
def test_services_that_are_gone_are_one_mail_with_what_to_do(
    ports: dict[str, int], mails: Callable[[str], list[dict[str, str]]], tmp_path: Path, eventually: Eventually
) -> None:
    configuration = tmp_path / "configuration"
    shutil.copytree(DEPLOY / "alertmanager", configuration)
    quickly(DEPLOY / "alertmanager" / "alertmanager.yml", configuration / "alertmanager.yml", group_wait="5s")
    # Prometheus finds its targets and Alertmanager five seconds after it has begun; what fires before tells nobody.
    rules = quickly(DEPLOY / "prometheus" / "alerts.yml", tmp_path / "alerts.yml", **{"for": "10s"})
    answering = dict.fromkeys((*SERVICES, "signaling-check"), ports["prometheus"])
    prometheus = Prometheus(
        tmp_path / "prometheus",
        ports["prometheus"],
        rules=[rules],
        targets={**answering, "booking": ports["nobody"], "casework": ports["none"]},
        alertmanager=ports["alertmanager"],
        every="1s",
    )
    manager = Alertmanager(
        tmp_path / "alertmanager", ports["alertmanager"], configuration=configuration, smtp_port=ports["smtp"]
    )
    with manager, prometheus:
        eventually(lambda: any("booking" in mail["subject"] for mail in mails("page@operators.example")), seconds=60)
    (mail,) = (mail for mail in mails("page@operators.example") if "ServiceDown" in mail["subject"])
    assert mail["subject"] in {"[page] ServiceDown (booking, casework)", "[page] ServiceDown (casework, booking)"}
    assert "booking does not answer." in mail["text"]
    assert "casework does not answer." in mail["text"]
    assert "docker compose logs booking" in mail["text"]
    assert "docs/runbooks/ServiceDown.md" in mail["text"]


@pytest.mark.skipif(shutil.which("amtool") is None, reason="amtool is not installed")
@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_what_env_says_is_filled_in_and_the_password_is_a_closed_file(security: str, tmp_path: Path) -> None:
    said = {
        "PATH": os.environ["PATH"],
        "FILLED": str(tmp_path),
        "SCHALTER_SMTP_HOST": "mail.town.example",
        "SCHALTER_SMTP_PORT": "587",
        "SCHALTER_SMTP_SECURITY": security,
        "SCHALTER_SMTP_USER": "schalter",
        "SCHALTER_SMTP_PASSWORD": "a|b&c\\d$e",
        "SCHALTER_MAIL_FROM": "Amt für Bau & Verkehr <amt@town.example>",
        "SCHALTER_ALERTS_PAGE": "bereitschaft@town.example",
    }
    filled = tmp_path / "alertmanager.yml"
    command = [str(DEPLOY / "alertmanager" / "start.sh"), "amtool", "check-config", str(filled)]
    done = subprocess.run(command, env=said, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    text = filled.read_text()
    assert "${" not in text.split("\n", 1)[1]
    assert "smtp_from: 'Amt für Bau & Verkehr <amt@town.example>'" in text
    assert f"smtp_require_tls: {'false' if security == 'none' else 'true'}" in text
    assert text.count("to: 'bereitschaft@town.example'") == 2, "tickets go there, too, where nobody else is named"
    password = tmp_path / "smtp-password"
    assert password.read_text() == said["SCHALTER_SMTP_PASSWORD"]
    assert said["SCHALTER_SMTP_PASSWORD"] not in text
    assert password.stat().st_mode & 0o777 == 0o600


def test_without_anybody_to_reach_it_does_not_start(tmp_path: Path) -> None:
    said = {"PATH": os.environ["PATH"], "FILLED": str(tmp_path), "SCHALTER_ALERTS_PAGE": ""}
    done = subprocess.run(
        [str(DEPLOY / "alertmanager" / "start.sh"), "true"], env=said, capture_output=True, check=False
    )
    assert done.returncode != 0
    assert b"SCHALTER_ALERTS_PAGE: names nobody" in done.stderr


def test_who_wants_to_see_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    console = Console(record=True, width=200)
    assert not observers_are_there(console)
    assert "apt-get install prometheus prometheus-alertmanager" in console.export_text()


@pytest.mark.parametrize("observe", [False, True])
def test_the_observers_are_part_of_the_plan_only_if_asked_for(observe: bool, tmp_path: Path) -> None:
    home = Home.find(tmp_path / "var")
    plan = make_plan(home, SecretStore(tmp_path / "secrets.json"), 8080, observe=observe)
    assert [part.name for part in plan.observers] == (["prometheus", "alertmanager"] if observe else [])
    assert ("prometheus" in plan.ports) is observe
    for part in plan.observers:
        part.prepare()
    if observe:
        written = (home.var / "prometheus" / "prometheus.yml").read_text()
        assert all(f'"service": "{service}"' in written for service in (*SERVICES, CHECK))
