"""A production as docs/operations.md starts it, on a container engine: `make production`; not in `make test`."""

import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from system import ROOT

pytestmark = pytest.mark.skipif(os.environ.get("SCHALTER_ENGINE") != "1", reason="needs a container engine")

OFFICE = "heidelberg"
ANSWERS = {
    "url": "https://localhost",
    "office": OFFICE,
    "first-clerk": "erika.amt",
    "name": "Erika Amt",
    "mail-from": "noreply@town.example",
    "smtp-host": "mail",
    "paypal-client-id": "town",
    "tls": "internal",
}


def run(*command: str, cwd: Path, seconds: float = 1_200) -> str:
    """What `command` prints; fails with it."""
    done = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stdout[-4_000:]
    return done.stdout


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A checkout whose production runs with HTTPS on loopback, and the first clerk's password."""
    checkout = tmp_path_factory.mktemp("town") / "schalter"
    ignored = shutil.ignore_patterns(".git", ".venv", "node_modules", "var", "dist", "build", ".cache", ".env")
    shutil.copytree(ROOT, checkout, ignore=ignored)
    schalter = str(Path(sys.executable).with_name("schalter"))
    flags = [part for name, value in ANSWERS.items() for part in (f"--{name}", value)]
    said = run(schalter, "init", "--yes", *flags, "--directory", str(checkout), cwd=checkout)
    with (checkout / ".env").open("a") as env:
        env.write("GATEWAY_PUBLISH=127.0.0.1\nCOMPOSE_PROJECT_NAME=schalter-test\n")
    try:
        run("docker", "compose", "up", "--build", "--wait", cwd=checkout)
        yield checkout, next(line for line in said.splitlines() if "erika.amt" in line).split()[-1]
    finally:
        run("docker", "compose", "down", "--volumes", cwd=checkout)


@pytest.fixture(scope="module")
def browser(town: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Trusts the gateway's own authority."""
    authority = "/data/caddy/pki/authorities/local/root.crt"
    certificate = run("docker", "compose", "exec", "-T", "gateway", "cat", authority, cwd=town[0])
    trusted = ssl.create_default_context(cadata=certificate)
    with httpx.Client(base_url="https://localhost", verify=trusted, timeout=20) as client:
        yield client


def signs_in(browser: httpx.Client, username: str, password: str) -> bool:
    credentials = {"office": OFFICE, "username": username, "password": password}
    return browser.post("/api/casework/session", json=credentials).status_code == 200


def test_the_first_clerk_signs_in_over_https(town: tuple[Path, str], browser: httpx.Client) -> None:
    assert signs_in(browser, "erika.amt", town[1])
    assert browser.get("/").headers["strict-transport-security"].startswith("max-age=")
    assert httpx.get("http://localhost/demo/").headers["location"] == "https://localhost/demo/"


def test_it_has_the_towns_office_and_nothing_of_the_demo(town: tuple[Path, str], browser: httpx.Client) -> None:
    assert [office["slug"] for office in browser.get("/api/booking/offices").json()] == [OFFICE]
    logs = run("docker", "compose", "logs", "secrets", cwd=town[0])
    assert OFFICE not in logs
    running = run("docker", "compose", "ps", "--services", cwd=town[0]).split()
    assert not {"mail", "paypal"} & set(running)


def test_the_operator_adds_and_closes_accounts(town: tuple[Path, str], browser: httpx.Client) -> None:
    operator = ("docker", "compose", "run", "--rm", "--build", "operator", "schalter")
    said = run(*operator, "clerks", "add", OFFICE, "jonas.weber", "Jonas Weber", cwd=town[0])
    password = next(line for line in said.splitlines() if line.startswith(f"{OFFICE}: jonas.weber")).split()[-1]
    assert signs_in(browser, "jonas.weber", password)
    run(*operator, "clerks", "disable", OFFICE, "jonas.weber", cwd=town[0])
    assert not signs_in(browser, "jonas.weber", password)


def test_one_service_cannot_touch_anothers_keys_in_redis(town: tuple[Path, str]) -> None:
    script = (
        "import pathlib, redis;"
        "r = redis.Redis.from_url(pathlib.Path('/run/secrets/schalter_redis_url').read_text());"
        "r.set('signaling:x', 1); print(r.delete('signaling:x'));\n"
        "try: r.delete('booking:x')\n"
        "except redis.exceptions.NoPermissionError: print('refused')"
    )
    said = run("docker", "compose", "exec", "-T", "signaling", "python", "-c", script, cwd=town[0])
    assert said.split() == ["1", "refused"]
