"""A running `schalter up` for tests: the real system, with its own data and a port of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import httpx
import psutil

from booking.limits.model import Limits

ROOT = Path(__file__).resolve().parents[2]


def eventually(condition: Callable[[], Any], seconds: float = 20, what: str = "") -> Any:
    """Polls until `condition()` is truthy and returns that. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(0.05)


def _offices(directory: Path) -> Path:
    """The offices that are shipped, and one like the demo that has addresses confirmed: "sorgental"."""
    shutil.copytree(ROOT / "deploy" / "offices", directory, dirs_exist_ok=True)
    text = (directory / "demo.toml").read_text()
    text = text.replace('slug = "demo"', 'slug = "sorgental"').replace("Musterstadt", "Sorgental")
    text = text.replace('reference_prefix = "DE"', 'reference_prefix = "SO"')
    (directory / "sorgental.toml").write_text(text.replace("[booking]", "[booking]\nconfirm_email = true"))
    return directory


class System:
    """Starts the system in `var` on `port`, with further `settings` in its environment; `stop` ends it."""

    def __init__(
        self, var: Path, port: int, *, observe: bool = False, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.var = var
        self._ready_file = var.with_suffix(".ready")
        self._output = var.with_suffix(".output")
        command = [sys.executable, "-c", "from schalter.main import app; app()", "up", "--var", str(var)]
        command += ["--port", str(port), "--ready-file", str(self._ready_file), *(["--observe"] if observe else [])]
        # All citizens of the tests live behind one address; what limits do is specified in services/booking/tests.
        room = {"proof_from": 10_000, "at_most": 10_000, "seconds": 3600}
        # Whoever takes a number has to work for it, so that a real browser does.
        limits = {name: room for name in Limits.model_fields if name != "work"}
        limits["walk_in"] = room | {"proof_from": 0}
        offices = str(_offices(var.with_suffix(".offices")))
        environment = {**os.environ, "SCHALTER_LIMITS": json.dumps(limits), "SCHALTER_OFFICES_DIR": offices, **settings}
        with self._output.open("a") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=environment)

    def wait_ready(self, seconds: float = 180) -> None:
        """Return once everything is healthy."""

        def ready() -> bool:
            assert self.process.poll() is None, self.output
            return self.ready

        eventually(ready, seconds, "schalter up")

    def __enter__(self) -> Self:
        """Healthy on entry, ended on exit."""
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """End the system as Ctrl-C does. Returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def processes(self) -> list[psutil.Process]:
        """All processes of the system but its supervisor."""
        return psutil.Process(self.process.pid).children(recursive=True)

    @property
    def output(self) -> str:
        """What the system printed, over all starts with the same `var`."""
        return self._output.read_text()

    @property
    def ready(self) -> bool:
        """Whether the system says that everything is healthy."""
        return self._ready_file.exists()

    @property
    def state(self) -> dict[str, Any]:
        """Addresses, ports and process ids as they are now."""
        state: dict[str, Any] = json.loads(self._ready_file.read_text())
        return state

    @property
    def url(self) -> str:
        """The gateway's address."""
        return str(self.state["public_url"])

    def kill(self, part: str) -> int:
        """kill -9 of `part`, which the supervisor will start again. Returns the dead process's id."""
        pid = int(self.state["pids"][part])
        os.kill(pid, signal.SIGKILL)
        return pid

    def healthy(self, part: str) -> bool:
        """Whether `part` answers that it can serve."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.state['ports'][part]}/readyz", timeout=2).status_code == 200
        except (httpx.HTTPError, OSError, json.JSONDecodeError):
            return False

    def wait_back(self, part: str, dead: int, seconds: float = 60) -> None:
        """Return once `part` runs under another process id than `dead` (and, if it is ours, is ready)."""
        eventually(lambda: self.state["pids"].get(part) not in (dead, None), seconds, f"{part} restarted")

    def database(self, service: str) -> str:
        """The address of a service's database, for the tests' own look at what was stored."""
        secrets = json.loads((self.var / "secrets.json").read_text())
        return f"postgresql://postgres:{secrets['postgres']}@127.0.0.1:{self.state['ports']['postgres']}/{service}"

    def nats_password(self, user: str) -> str:
        """The password of a user of the bus."""
        secrets: dict[str, str] = json.loads((self.var / "secrets.json").read_text())
        return secrets[f"nats_{user}"]

    def sign_in(self, office: str) -> dict[str, str]:
        """A demo clerk of `office`: user name and password."""
        clerks = json.loads((self.var / "demo-clerks.json").read_text())
        found: dict[str, str] = next(clerk for clerk in clerks if clerk["office"] == office)
        return found


class RemoteSystem(System):
    """A system that somebody else started, such as docker compose: reached by its address alone."""

    def __init__(self, url: str, demo_clerks: Path) -> None:
        self._url, self._demo_clerks = url, demo_clerks

    @property
    def url(self) -> str:
        return self._url

    def sign_in(self, office: str) -> dict[str, str]:
        clerks = json.loads(self._demo_clerks.read_text())
        found: dict[str, str] = next(clerk for clerk in clerks if clerk["office"] == office)
        return found
