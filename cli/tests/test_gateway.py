"""The real Caddy with the shipped Caddyfile, before upstreams that say what reached them."""

import json
import os
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from chassis.clock import utc_now
from schalter.embedded import Caddy, free_port, free_ports, tools
from schalter.exporter import figures
from schalter.exporter.looks import Gateway, at_gateway

ROOT = Path(__file__).resolve().parents[2]
UPSTREAMS = ("booking", "signaling", "check", "casework", "payment", "mail", "paypal")


class Echo(BaseHTTPRequestHandler):
    """Answers with its own name and the request as it arrived."""

    name = ""

    def answer(self) -> None:
        if "broken" in self.path:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"no more")
            self.close_connection = True
            return
        length = int(self.headers.get("content-length") or 0)
        self.rfile.read(length)
        body = json.dumps(
            {"name": self.name, "path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway") / "gateway.log"


@contextmanager
def running(directory: Path, log: Path, **settings: str) -> Iterator[httpx.Client]:
    """A gateway with `settings` of its own, and the upstreams behind it."""
    web = directory / "web"
    for page in ("citizen", "clerk"):
        (web / page).mkdir(parents=True)
        (web / page / "index.html").write_text(f"<title>{page}</title>")
    (web / "assets").mkdir()
    (web / "assets" / "main-abc123.js").write_text("let a = 1;" * 500)
    (web / "assets" / "packed-def456.js").write_text("let b = 2;")
    (web / "assets" / "packed-def456.js.br").write_bytes(b"as the build made it")
    ports = dict(zip(UPSTREAMS, free_ports(len(UPSTREAMS)), strict=True))
    servers = []
    for name, port in ports.items():
        handler = type("Named", (Echo,), {"name": name})
        servers.append(ThreadingHTTPServer(("127.0.0.1", port), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
    port = free_port()
    env = {f"GATEWAY_{name.upper()}": f"127.0.0.1 {number}" for name, number in ports.items()}
    env |= {"ENVIRONMENT": "development", "GATEWAY_SITE": f"http://:{port}", "GATEWAY_BIND": "127.0.0.1"}
    env |= {"GATEWAY_WEB": str(web), "GATEWAY_NOTIFY": f"127.0.0.1 {free_port()}"} | settings
    caddyfile = ROOT / "deploy/gateway/Caddyfile"
    with (
        Caddy(directory / "caddy", port, caddyfile=caddyfile, env=env, log=log),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        yield client
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[httpx.Client]:
    with running(tmp_path_factory.mktemp("gateway-data"), log) as client:
        yield client


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[httpx.Client]:
    """A gateway that trusts who asks it here, as if they were the proxy that ends TLS."""
    settings = {"GATEWAY_TRUSTED_PROXIES": "127.0.0.0/8"}
    with running(tmp_path_factory.mktemp("gateway-behind"), log.with_name("behind.log"), **settings) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "upstream"),
    [
        ("/api/booking/offices", "booking"),
        ("/api/signaling/tickets", "signaling"),
        ("/api/signaling/check/sessions", "check"),
        ("/api/signaling/check/results", "signaling"),
        ("/api/casework/session", "casework"),
        ("/api/payment/webhooks/paypal", "payment"),
        ("/mail/", "mail"),
        ("/paypal-simulator/approve", "paypal"),
    ],
)
def test_each_path_reaches_its_part_unchanged(gateway: httpx.Client, path: str, upstream: str) -> None:
    seen = gateway.post(path, json={}).json()
    assert (seen["name"], seen["path"]) == (upstream, path)


@pytest.mark.parametrize("path", ["/", "/demo/", "/demo/appointment", "/heidelberg/call", "/nowhere/"])
def test_citizens_pages_are_one_document(gateway: httpx.Client, path: str) -> None:
    answer = gateway.get(path)
    assert (answer.status_code, "citizen" in answer.text) == (200, True)
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/clerk/", "/clerk/cases/1"])
def test_clerks_pages_are_another(gateway: httpx.Client, path: str) -> None:
    assert "clerk" in gateway.get(path).text


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/metrics", "/api/booking/../../metrics", "/api/booking/%2e%2e/%2e%2e/metrics"],
)
def test_inner_endpoints_are_not_exposed(gateway: httpx.Client, path: str) -> None:
    answer = gateway.send(gateway.build_request("GET", path, extensions={"target": path.encode()}))
    assert '"name"' not in answer.text


def test_assets_with_a_hash_in_their_name_are_kept_for_ever_and_sent_compressed(gateway: httpx.Client) -> None:
    answer = gateway.get("/assets/main-abc123.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] in {"gzip", "zstd"}


def test_what_the_build_compressed_is_sent_as_it_is(gateway: httpx.Client) -> None:
    with gateway.stream("GET", "/assets/packed-def456.js", headers={"Accept-Encoding": "br, gzip"}) as answer:
        assert answer.headers["content-encoding"] == "br"
        assert b"".join(answer.iter_raw()) == b"as the build made it"


def _builds(directory: Path, asset: str) -> Path:
    for folder, name in (("assets", asset), ("citizen", "index.html"), ("clerk", "index.html")):
        (directory / folder).mkdir(parents=True, exist_ok=True)
        (directory / folder / name).write_text(asset)
    return directory


def _publishes(build: Path, site: Path) -> set[str]:
    subprocess.run(["sh", ROOT / "deploy/gateway/publish.sh", build, site], check=True)
    return {path.name for path in (site / "assets").iterdir()}


def test_assets_of_earlier_builds_stay_for_two_weeks_after_they_were_replaced(tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert _publishes(_builds(tmp_path / "1", "a-1.js"), site) == {"a-1.js"}
    # It was served for a month, and is replaced now.
    _ages(site / "assets" / "a-1.js", days=30)
    assert _publishes(_builds(tmp_path / "2", "a-2.js"), site) == {"a-1.js", "a-2.js"}
    assert (site / "citizen" / "index.html").read_text() == "a-2.js"
    _ages(site / "assets" / "a-1.js", days=13)
    assert _publishes(_builds(tmp_path / "3", "a-3.js"), site) == {"a-1.js", "a-2.js", "a-3.js"}
    _ages(site / "assets" / "a-1.js", days=16)
    assert _publishes(_builds(tmp_path / "3", "a-3.js"), site) == {"a-2.js", "a-3.js"}


def _ages(path: Path, days: int) -> None:
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


def test_a_missing_asset_is_not_found_rather_than_a_page(gateway: httpx.Client) -> None:
    answer = gateway.get("/assets/old-000.js")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/", "/clerk/", "/assets/main-abc123.js", "/api/booking/offices", "/api/nothing", "/mail/"]
)
def test_every_answer_has_the_security_headers(gateway: httpx.Client, path: str) -> None:
    headers = gateway.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["permissions-policy"].startswith("camera=(self), microphone=(self), display-capture=(self)")
    assert "server" not in headers
    assert "via" not in headers


def test_forged_forwarding_headers_do_not_pass(gateway: httpx.Client) -> None:
    forged = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
        "X-Real-IP": "6.6.6.6",
        "Forwarded": "for=6.6.6.6",
        "X-Forwarded-Prefix": "/evil",
    }
    seen = gateway.get("/api/booking/offices", headers=forged).json()["headers"]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert "evil" not in json.dumps(seen)
    assert "6.6.6.6" not in json.dumps(seen)


@pytest.mark.parametrize(
    ("heard", "address"),
    [
        (None, "127.0.0.1"),
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        # What the citizen made up stands before what the proxy saw.
        ("6.6.6.6, 203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7, 127.0.0.1", "203.0.113.7"),
    ],
)
def test_behind_a_proxy_that_is_trusted_the_citizens_own_address_counts(
    behind_a_proxy: httpx.Client, heard: str | None, address: str
) -> None:
    headers = {"X-Forwarded-For": heard} if heard else {}
    seen = behind_a_proxy.get("/api/booking/offices", headers=headers).json()["headers"]
    assert seen["x-forwarded-for"] == address


def test_an_unknown_part_of_the_interface_is_a_problem_document(gateway: httpx.Client) -> None:
    answer = gateway.get("/api/nothing/here")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_a_part_that_is_down_is_a_problem_document_that_asks_to_come_back(gateway: httpx.Client) -> None:
    answer = gateway.get("/api/notify/openapi.json")
    assert answer.status_code == 502
    assert answer.json()["code"] == "gateway"
    assert answer.headers["retry-after"] == "2"


def test_a_huge_body_is_refused(gateway: httpx.Client) -> None:
    assert gateway.post("/api/booking/offices/demo/appointments", content=b"x" * 3_000_000).status_code == 413


def test_the_access_log_names_nobody(gateway: httpx.Client, log: Path) -> None:
    gateway.get(
        "/api/booking/offices?email=anna@example.org",
        headers={"Authorization": "Bearer secret-token", "Cookie": "session=secret-cookie", "User-Agent": "Anna's"},
    )
    text = log.read_text()
    assert "/api/booking/offices" in text
    for personal in ("anna", "Anna", "secret-", '"127.0.0.1"', "remote_ip"):
        assert personal not in text


def test_production_asks_for_https_and_shows_no_simulator(gateway: httpx.Client, tmp_path: Path) -> None:
    port = free_port()
    env = {"ENVIRONMENT": "production", "GATEWAY_SITE": f"http://:{port}", "GATEWAY_BIND": "127.0.0.1"}
    env |= {"GATEWAY_WEB": str(tmp_path)}
    caddyfile = ROOT / "deploy/gateway/Caddyfile"
    with Caddy(tmp_path / "caddy", port, caddyfile=caddyfile, env=env, log=tmp_path / "log"):
        answer = httpx.get(f"http://127.0.0.1:{port}/mail/")
        assert answer.status_code == 404
        assert answer.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/healthz",
        "/readyz",
        "/.env",
        "/.git/config",
        "/demo/.env",
        "/wp-login.php",
        "/backup.zip",
        "/a.sql",
    ],
)
def test_what_others_leave_lying_about_is_not_found(gateway: httpx.Client, path: str) -> None:
    answer = gateway.get(path)
    assert (answer.status_code, "citizen" in answer.text) == (404, False)


def test_a_broken_answer_is_logged_without_who_asked_for_what(gateway: httpx.Client, log: Path) -> None:
    secret = {"Authorization": "Bearer secret-token", "Cookie": "session=secret-cookie", "User-Agent": "Anna's"}
    with suppress(httpx.RemoteProtocolError):
        gateway.get("/api/booking/broken?email=anna@example.org", headers=secret)
    deadline = time.monotonic() + 10
    while "aborting with incomplete response" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    told = next(line for line in log.read_text().splitlines() if "aborting with incomplete response" in line)
    assert "/api/booking/broken" in told
    for personal in ("anna", "Anna", "secret-", "remote_ip", '"127.0.0.1"'):
        assert personal not in told


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[tuple[int, int, Path]]:
    """A gateway that ends TLS itself, with the authority of its own: its ports for HTTP and HTTPS, its state."""
    http_port, port = free_ports(2)
    directory = tmp_path_factory.mktemp("gateway-tls")
    (directory / "citizen").mkdir()
    (directory / "citizen" / "index.html").write_text("<title>citizen</title>")
    env = {"ENVIRONMENT": "production", "GATEWAY_SITE": f"https://localhost:{port}", "GATEWAY_BIND": "127.0.0.1"}
    env |= {"GATEWAY_WEB": str(directory), "GATEWAY_TLS": "internal", "GATEWAY_HTTP_PORT": str(http_port)}
    caddyfile = ROOT / "deploy/gateway/Caddyfile"
    with Caddy(directory / "caddy", http_port, caddyfile=caddyfile, env=env, log=log.with_name("tls.log")):
        yield http_port, port, directory / "caddy"


def test_a_site_with_https_has_a_certificate_and_sends_browsers_there(encrypted: tuple[int, int, Path]) -> None:
    http_port, port, state = encrypted
    redirected = httpx.get(f"http://localhost:{http_port}/demo/?a=b")
    assert (redirected.status_code, redirected.headers["location"]) == (308, f"https://localhost:{port}/demo/?a=b")
    authority = next(state.rglob("root.crt"))
    answer = httpx.get(f"https://localhost:{port}/.env", verify=ssl.create_default_context(cafile=str(authority)))
    assert answer.status_code == 404
    assert answer.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize(
    ("version", "ciphers", "good"),
    [
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", False),
        (ssl.TLSVersion.TLSv1_2, "AES128-SHA:AES256-SHA:@SECLEVEL=0", False),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305", False),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-GCM-SHA384", True),
        (ssl.TLSVersion.TLSv1_3, "DEFAULT", True),
    ],
)
def test_tls_is_as_the_bsi_wants_it(
    encrypted: tuple[int, int, Path], version: ssl.TLSVersion, ciphers: str, good: bool
) -> None:
    """TR-02102-2, section 3: versions 1.2 and 1.3, and of 1.2 suites with forward secrecy and AES in GCM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    with socket.create_connection(("127.0.0.1", encrypted[1]), timeout=5) as plain:
        if good:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                assert secure.version() == version.name.replace("_", ".")
        else:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(plain, server_hostname="localhost")


async def test_the_exporter_sees_that_it_answers(gateway: httpx.Client, encrypted: tuple[int, int, Path]) -> None:
    for port, tls in ((gateway.base_url.port or 0, False), (encrypted[1], True)):
        figures.GATEWAY_ANSWERS.clear()
        await at_gateway(Gateway("127.0.0.1", port, "localhost", tls), utc_now)
        assert figures.GATEWAY_ANSWERS.labels("gateway")._value.get() == 1


@pytest.mark.parametrize("how", ["none", "acme", "internal"])
def test_the_containers_configuration_is_good_and_answers_its_health_check(how: str, tmp_path: Path) -> None:
    site = "http://:8080" if how == "none" else "https://town.example"
    env = {"GATEWAY_SITE": site, "GATEWAY_TLS": how, "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [
        str(tools.script("caddy")),
        "adapt",
        "--config",
        str(ROOT / "deploy/gateway/container.caddy"),
        "--validate",
    ]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    listening = [
        each for server in json.loads(done.stdout)["apps"]["http"]["servers"].values() for each in server["listen"]
    ]
    assert "127.0.0.1:8081" in listening
