"""House rules that no type checker sees: routes name their actor, events have both ends, files fit a head."""

import ast
import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI

from contracts.actors import Citizen, Clerk, Listed, Offeree, WalkIn
from contracts.topology import CONSUMES, PUBLISHES, SERVICES
from schalter.chores import stand_ins
from schalter.running.home import Home

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("libs", "services", "cli", "simulators", "web/citizen", "web/clerk", "web/shared")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".ts", ".svelte", ".css"}
    and not {"node_modules", "tests", "migrations", "generated", "dist"} & set(path.parts)
)

#: Routes that anybody may call, and why.
PUBLIC = {
    ("booking", "/offices"): "what a town offers is public",
    ("booking", "/offices/{office}"): "what a town offers is public",
    ("booking", "/offices/{office}/slots"): "free slots are public; they name nobody",
    ("booking", "/offices/{office}/holds"): "booking needs no account; a hold is named by an unguessable id",
    ("booking", "/offices/{office}/holds/{hold_id}"): "the unguessable id is the right to it",
    ("booking", "/offices/{office}/holds/{hold_id}/extension"): "the unguessable id is the right to it",
    ("booking", "/offices/{office}/appointments"): "booking needs no account; it answers with the link",
    ("booking", "/offices/{office}/waiting-list"): "waiting needs no account; offers go to the address given",
    ("booking", "/offices/{office}/walk-in"): "whoever has no appointment has no link yet; it answers with the ticket",
    ("casework", "/session"): "signing in, and asking who is signed in",
    ("casework", "/session/refresh"): "the cookie is the right to it",
    ("payment", "/webhooks/paypal"): "signed by the provider",
}


@pytest.fixture(scope="module")
def apps() -> Iterator[dict[str, FastAPI]]:
    before = dict(os.environ)
    os.environ.update(stand_ins(Home.find()))
    try:
        yield {service: importlib.import_module(f"{service}.app").build() for service in SERVICES}
    finally:
        os.environ.clear()
        os.environ.update(before)


def _operations(app: FastAPI, service: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            yield path.removeprefix(f"/api/{service}"), method, operation


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_names_its_actor_or_is_public_for_a_reason(apps: dict[str, FastAPI], service: str) -> None:
    known = {actor.AUDIENCE for actor in (Citizen, Offeree, Listed, WalkIn, Clerk)}
    for path, method, operation in _operations(apps[service], service):
        actors = {name for scheme in operation.get("security", []) for name in scheme}
        assert actors <= known
        assert actors or (service, path) in PUBLIC, f"{method.upper()} {path} of {service} names no actor"


def test_no_reason_stands_for_a_route_that_is_gone(apps: dict[str, FastAPI]) -> None:
    paths = {(service, path) for service, app in apps.items() for path, _, _ in _operations(app, service)}
    assert set(PUBLIC) <= paths


@pytest.mark.parametrize("service", SERVICES)
def test_reading_changes_nothing_so_every_act_is_no_get(apps: dict[str, FastAPI], service: str) -> None:
    """Mail scanners open links: what changes something is a POST, PUT or DELETE (S23)."""
    for path, method, operation in _operations(apps[service], service):
        if method == "get":
            assert "requestBody" not in operation, path


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_consumes_what_the_topology_says(apps: dict[str, FastAPI], service: str) -> None:
    assert {consumer.event for consumer in apps[service].state.consumers} == set(CONSUMES[service])


def _name(node: ast.AST) -> str:
    """How `Event` and `module.Event` name what they stand for."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_makes_all_events_that_it_publishes_and_nobody_elses(service: str) -> None:
    used, called = set[str](), set[str]()
    for path in (ROOT / "services" / service / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            used.add(_name(node))
            if isinstance(node, ast.Call):
                called.add(_name(node.func))
    own = {event.__name__ for event in PUBLISHES[service]}
    assert own <= used
    assert not called & ({event.__name__ for events in PUBLISHES.values() for event in events} - own)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    folder = ROOT / "services" / service
    inside = {path.name for path in (folder / "src" / service).rglob("*.py")}
    assert {"app.py", "settings.py", "consumers.py", "usecases.py", "store.py", "tables.py", "model.py"} <= inside
    assert (folder / "README.md").is_file()
    assert (folder / "migrations" / "env.py").is_file()


def test_files_fit_a_head() -> None:
    long = {str(path.relative_to(ROOT)): n for path in SOURCES if (n := path.read_text().count("\n")) > 400}
    assert not long


def test_nothing_is_left_for_later_in_the_code() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    assert not [str(path.relative_to(ROOT)) for path in SOURCES if marks.search(path.read_text())]


def test_pages_carry_no_inline_style_or_script() -> None:
    """The content security policy would silently drop them."""
    inline = re.compile(r"\sstyle=[\"'{]|\son[a-z]+=[\"']|\{@html")
    pages = [*ROOT.glob("web/*/index.html"), *(path for path in SOURCES if path.suffix == ".svelte")]
    assert pages
    assert not [str(path.relative_to(ROOT)) for path in pages if inline.search(path.read_text())]


def test_compose_runs_and_prometheus_scrapes_every_service() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    targets = {target for job in scraped for group in job["static_configs"] for target in group["targets"]}
    for service in (*SERVICES, "signaling-check"):
        assert service in compose
        assert f"{service}:8000" in targets


def test_compose_publishes_on_loopback_alone() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ports = [port for part in compose.values() for port in part.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
