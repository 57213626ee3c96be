"""docs/operations.md walked through by somebody who types exactly what stands there, in that order."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from documented import OPERATIONS, blocks
from system import ROOT, eventually

from schalter.embedded import free_port, observers

_NOT_COPIED: Final = (
    ".git",
    ".venv",
    "node_modules",
    "var",
    "dist",
    "build",
    ".cache",
    ".env",
    "*_cache",
    "__pycache__",
)
_INSTALLED: Final = (".venv", "web/node_modules", "web/dist", "web/build")


class Walker:
    """Types commands in a checkout of its own. What stays runs in another terminal, until `ctrl_c`."""

    def __init__(self, checkout: Path, **environment: str) -> None:
        self.checkout = checkout
        self._environment = {**os.environ, **environment}
        self._other: subprocess.Popen[bytes] | None = None
        self._stays = ""

    def types(self, text: str, *, answers: str = "", may_find: bool = False) -> str:
        """What the commands of a block print; `answers` to what they ask. Fails with the first that fails.

        `may_find`: exit code 2, which says that something was found, is none of the commands' failures.
        """
        command = ["bash", "-e", "-o", "pipefail", "-c", text]
        done = subprocess.run(
            command,
            cwd=self.checkout,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            input=answers,
            text=True,
            timeout=1_200,
            check=False,
        )
        assert done.returncode in ((0, 2) if may_find else (0,)), f"{text}\n{done.stdout[-4_000:]}"
        return done.stdout

    def stays(self, text: str) -> None:
        """Types a command that keeps its terminal; returns once the system says that it is there."""
        self._stays = text
        output = (self.checkout / "terminal.log").open("ab")
        self._other = subprocess.Popen(
            ["bash", "-c", text],
            cwd=self.checkout,
            env=self._environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        ended = self._other.poll
        eventually(lambda: (self.checkout / "var/up.json").exists() or ended() is not None, 120)
        assert ended() is None, (self.checkout / "terminal.log").read_text()

    def ctrl_c(self) -> None:
        """As in the terminal: everybody in it hears of it."""
        if self._other and self._other.poll() is None:
            os.killpg(self._other.pid, signal.SIGINT)
            self._other.wait(60)

    def again(self) -> None:
        """Ctrl-C and the same once more."""
        self.ctrl_c()
        self.stays(self._stays)


@pytest.fixture
def walker(servers_dir: Path) -> Iterator[Walker]:
    """In a checkout that is set up: what `make` has installed and built here is there, too."""
    checkout = servers_dir / "walked"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    for made in _INSTALLED:
        (checkout / made).symlink_to(ROOT / made)
    walker = Walker(checkout, PORT=str(free_port()))
    try:
        yield walker
    finally:
        walker.ctrl_c()


@pytest.mark.skipif(os.environ.get("SCHALTER_OBSERVED") != "1", reason="takes minutes: make observed")
def test_the_first_hour_on_a_development_machine(walker: Walker) -> None:
    said: list[str] = []
    for block in blocks(OPERATIONS):
        if block.mark == "development, stays":
            walker.stays(block.text)
        elif block.mark == "development":
            said.append(walker.types(block.text))
            _alerted(walker, block.text)
    well, account, hung, back, turned = said
    assert well.count("All is well.") == 2
    found = re.search(r"heidelberg: jonas\.weber (\S+)", account)
    assert found
    assert _signs_in(walker, found[1])
    assert re.search(r"ill +bus", hung)
    assert "All is well." in back
    assert "is announced" in turned
    walker.again()
    assert "The new key signs links after a restart" in walker.types(".venv/bin/schalter keys rotate links --yes")
    walker.again()
    assert "signs no more since" in walker.types(".venv/bin/schalter keys list")
    assert _signs_in(walker, found[1])


def _url(walker: Walker) -> str:
    return f"http://localhost:{walker._environment['PORT']}"


def _signs_in(walker: Walker, password: str) -> bool:
    body = {"office": "heidelberg", "username": "jonas.weber", "password": password}
    return httpx.post(f"{_url(walker)}/api/casework/session", json=body, timeout=20).status_code == 200


def _alerted(walker: Walker, text: str) -> None:
    """The alert that the block raises comes by mail, and names its page, which is there."""
    if "kill -STOP" not in text or not (observers.found("prometheus") and observers.found("alertmanager")):
        return

    def told() -> str:
        return httpx.get(f"{_url(walker)}/mail/api/messages", timeout=10).text

    eventually(lambda: "docs/runbooks/BusAway.md" in told(), 240, "the alert's mail")
    assert (walker.checkout / "docs/runbooks/BusAway.md").is_file()


#: What `schalter init` asks, in its order: the first that answers has no mail server and no account anywhere.
ANSWERS: Final = ("https://localhost", "heidelberg", "erika.amt", "Erika Amt", "noreply@town.example", "mail")
ACCOUNT: Final = ("town", "s3cret", "WH-1", "oncall@town.example")


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Walker]:
    """On a machine with a container engine and nothing else: a fresh checkout, and answers to what is asked."""
    checkout = tmp_path / "schalter"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    walker = Walker(checkout, GATEWAY_PUBLISH="127.0.0.1", COMPOSE_PROJECT_NAME="schalter-walk", GATEWAY_TLS="internal")
    try:
        yield walker
    finally:
        walker.types("docker compose --profile observability down --volumes")


@pytest.mark.skipif(os.environ.get("SCHALTER_ENGINE") != "1", reason="needs a container engine")
def test_a_production_from_nothing_to_a_restore(operator: Walker) -> None:
    said = ""
    for block in blocks(OPERATIONS):
        if block.mark != "production" or ("observability" in block.text and not _has_grafana()):
            continue
        if block.text == "docker compose up --detach --wait postgres nats redis\n":
            said += _on_a_new_machine(operator)
        answers = "\n".join([*ANSWERS, *ACCOUNT]) + "\n" if "schalter init" in block.text else ""
        # It has no mail server and no payment provider, which doctor finds.
        said += operator.types(block.text, answers=answers, may_find="schalter doctor" in block.text)
    passwords = re.findall(r"^ *heidelberg: (\S+) (\S+)", said, re.M)
    assert [name for name, _ in passwords] == ["erika.amt", "jonas.weber"]
    assert "The bus is as the topology has it." in said
    assert "signs links after a restart" in said
    for name, password in passwords:
        body = {"office": "heidelberg", "username": name, "password": password}
        answer = httpx.post("https://localhost/api/casework/session", json=body, verify=False, timeout=20)  # noqa: S501 - its own CA
        assert answer.status_code == 200, f"{name} signs in after the restore: {answer.text}"


def _has_grafana() -> bool:
    found = re.search(r"grafana/grafana[\w-]*:\S+", (ROOT / "docker-compose.yml").read_text())
    assert found
    return subprocess.run(["docker", "image", "inspect", found[0]], capture_output=True, check=False).returncode == 0


def _on_a_new_machine(operator: Walker) -> str:
    """Nothing is left but what the backup has: .env, offices, the dumps, and the volume of the secrets."""
    operator.types("docker compose down")
    kept = "schalter-walk_secrets-store"
    volumes = operator.types("docker volume ls --quiet --filter label=com.docker.compose.project=schalter-walk").split()
    assert kept in volumes
    return operator.types(f"docker volume rm {' '.join(name for name in volumes if name != kept)}")
