"""A production as docs/operations.md starts it, on a container engine: `make production`; not in `make test`."""

import asyncio
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from aioice.turn import create_turn_endpoint
from system import ROOT

from signaling.turn import ice_servers

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
    "paypal-client-secret": "s3cret",
    "paypal-webhook-id": "WH-1",
    "tls": "internal",
    "turn-address": "127.0.0.1",
    "alerts-page": "oncall@town.example",
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


def test_of_two_instances_each_has_its_share(town: tuple[Path, str], browser: httpx.Client) -> None:
    run("docker", "compose", "up", "--detach", "--wait", "--no-recreate", "--scale", "booking=2", cwd=town[0])
    asked = (
        "import re, urllib.request as r; said = r.urlopen('http://127.0.0.1:8000/metrics').read().decode();"
        "found = re.findall(r'schalter_http_request_seconds_count.*/offices\",.* ([0-9.]+)', said);"
        "print(sum(map(float, found)))"
    )

    def answered(index: str) -> float:
        command = ("docker", "compose", "exec", "-T", "--index", index, "booking", "python", "-c", asked)
        return float(run(*command, cwd=town[0]))

    time.sleep(6)  # the gateway asks for names every five seconds
    before = [answered("1"), answered("2")]
    for _ in range(60):
        assert browser.get("/api/booking/offices").status_code == 200
    shares = [answered(index) - had for index, had in zip("12", before, strict=True)]
    assert sum(shares) == 60
    assert min(shares) > 10


def test_nobody_reaches_what_they_have_no_business_with(town: tuple[Path, str]) -> None:
    """Tried from each container: a connection is made where one is needed, and nowhere else."""
    ports = {"postgres": 5432, "nats": 4222, "redis": 6379, "booking": 8000, "signaling-check": 8000, "gateway": 8081}
    reachable = {
        "booking": {"postgres", "nats", "redis", "booking"},
        "signaling": {"postgres", "nats", "redis", "booking"},
        "casework": {"postgres", "nats", "booking"},
        "payment": {"postgres", "nats", "booking"},
        "notify": {"postgres", "nats", "booking"},
        "signaling-check": {"signaling-check"},
    }
    script = (
        "import socket\n"
        f"for name, port in {ports!r}.items():\n"
        "    try: socket.create_connection((name, port), 2).close(); print(name)\n"
        "    except OSError: pass"
    )
    for name, expected in reachable.items():
        said = run("docker", "compose", "exec", "-T", name, "python", "-c", script, cwd=town[0])
        assert set(said.split()) == expected, name


def test_no_container_is_root_or_unbounded(town: tuple[Path, str]) -> None:
    for container in run("docker", "compose", "ps", "--quiet", cwd=town[0]).split():
        (seen,) = json.loads(run("docker", "inspect", container, cwd=town[0]))
        host, name = seen["HostConfig"], seen["Config"]["Labels"]["com.docker.compose.service"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["Memory"] > 0 < host["PidsLimit"], name
        assert host["LogConfig"]["Config"]["max-size"], name
        who = run("docker", "compose", "exec", "-T", name, "id", "-u", cwd=town[0]).strip()
        assert who != "0" or name == "gateway", name
        assert (
            not re.search(r":latest$|^[^:]+$|:\d+$", seen["Config"]["Image"]) or "schalter/" in seen["Config"]["Image"]
        )


def test_the_doctor_finds_what_this_town_lacks_and_nothing_else(town: tuple[Path, str]) -> None:
    """It has neither a mail server nor a payment provider, and a certificate of its own making."""
    command = ("docker", "compose", "run", "--rm", "operator", "schalter", "doctor")
    done = subprocess.run(command, cwd=town[0], capture_output=True, text=True, timeout=180, check=False)
    ill = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ill")]
    assert done.returncode == 2, done.stdout + done.stderr
    assert set(ill) <= {
        "mail",
        "payment",
        "address",
        "certificate",
        "turn:localhost:3478?transport=tcp",
        "turn:localhost:3478?transport=udp",
    }, done.stdout
    assert {"mail", "payment"} <= set(ill), done.stdout


async def test_the_turn_server_takes_what_signaling_hands_out(town: tuple[Path, str]) -> None:
    secret = run(
        "docker", "compose", "exec", "-T", "signaling", "cat", "/run/secrets/schalter_turn_secret", cwd=town[0]
    )
    (_, server) = ice_servers(["stun:x", "turn:localhost:3478"], secret, "session", datetime.now(UTC))
    relayed, _ = await create_turn_endpoint(
        asyncio.DatagramProtocol, ("127.0.0.1", 3478), server.username, server.credential, transport="tcp"
    )
    assert relayed.get_extra_info("sockname")[0] == "127.0.0.1"
    relayed.close()


def test_the_operator_hands_out_what_is_stored_about_somebody(town: tuple[Path, str]) -> None:
    nobody = "0b6f8a52-6c1e-4d0e-9a53-3f2f9a1d7c10"
    operator = ("docker", "compose", "run", "--rm", "operator", "schalter", "personal-data", "of", nobody)
    done = subprocess.run(operator, cwd=town[0], capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert nobody in done.stdout + done.stderr


def test_keys_turn_and_who_is_signed_in_stays_so(town: tuple[Path, str], browser: httpx.Client) -> None:
    credentials = {"office": OFFICE, "username": "erika.amt", "password": town[1]}
    access = browser.post("/api/casework/session", json=credentials).json()["access_token"]
    for step in range(2):
        run(
            "docker",
            "compose",
            "run",
            "--rm",
            "--entrypoint",
            "schalter",
            "secrets",
            "keys",
            "rotate",
            "clerks",
            cwd=town[0],
        )
        run("docker", "compose", "restart", "booking", "casework", cwd=town[0])
        run("docker", "compose", "up", "--detach", "--wait", "--no-recreate", cwd=town[0])
        seen = browser.get("/api/booking/office/week", headers={"Authorization": f"Bearer {access}"})
        assert seen.status_code == 200, (step, seen.text)
    assert signs_in(browser, "erika.amt", town[1])


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
