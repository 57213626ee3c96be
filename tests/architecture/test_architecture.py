"""House rules that no type checker sees: events have both ends, rules know no clock, files fit a head."""

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from contracts.base import Event
from contracts.personal_data import CONTACT, NAME
from contracts.topology import CONSUMES, PUBLISHES, SERVICES
from schalter.chores import standing_in
from schalter.running.home import Home

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("libs", "services", "cli", "simulators", "web/citizen", "web/clerk", "web/shared")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".ts", ".svelte", ".css"}
    and not {"node_modules", "tests", "migrations", "generated", "dist"} & set(path.parts)
)


#: The clock itself, and a command that somebody types.
READS_THE_CLOCK = [
    "libs/chassis/src/chassis/clock.py: datetime.now(UTC)",
    "libs/chassis/src/chassis/republish.py: utc_now()",
    "libs/chassis/src/chassis/steps.py: utc_now()",
]
_CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "utc_now"}
_STOPWATCHES = {"monotonic", "time.monotonic", "perf_counter", "time.perf_counter", "time.localtime", "time.gmtime"}


@pytest.fixture(scope="module")
def apps() -> Iterator[dict[str, FastAPI]]:
    with standing_in(Home.find()):
        yield {service: importlib.import_module(f"{service}.app").build() for service in SERVICES}


def _operations(app: FastAPI, service: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            yield path.removeprefix(f"/api/{service}"), method, operation


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


def _events(kind: type[Event] = Event) -> Iterator[type[Event]]:
    """Every event that there is, declared or not."""
    for event in kind.__subclasses__():
        yield event
        yield from _events(event)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_makes_all_events_that_it_publishes_and_no_others(service: str) -> None:
    """What the code makes is what the topology says: an event that nobody declared has no stream and no permission."""
    used, called = set[str](), set[str]()
    for path in (ROOT / "services" / service / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            used.add(_name(node))
            if isinstance(node, ast.Call):
                called.add(_name(node.func))
                # BookingCompleted.model_validate(...) makes one, too
                called.add(_name(node.func.value) if isinstance(node.func, ast.Attribute) else "")
    own = {event.__name__ for event in PUBLISHES[service]}
    assert own <= used
    assert not called & ({event.__name__ for event in _events()} - own)


def test_every_event_that_has_a_subject_is_published_by_one_service() -> None:
    declared = [event for events in PUBLISHES.values() for event in events]
    assert len(declared) == len(set(declared))
    assert {event for event in _events() if "SUBJECT" in vars(event)} == set(declared)


_SOURCE = [path for path in SOURCES if path.suffix == ".py" and path.parts[len(ROOT.parts)] in ("libs", "services")]


def _fields(model: type[BaseModel]) -> set[str]:
    """The names of a model's fields, and of those of the models in it."""
    schema = model.model_json_schema()
    return {name for part in (schema, *schema.get("$defs", {}).values()) for name in part.get("properties", ())}


def test_no_answer_that_is_kept_for_repetitions_holds_a_person() -> None:
    """Such answers stay for three days, and erasing a person does not look there."""
    registries = [importlib.import_module(f"{service}.personal_data").REGISTRY for service in SERVICES]
    personal = {"citizen", "contact", "address"} | {
        column for found in registries for _, column, cell in found.citizens() if cell.kind in (NAME, CONTACT)
    }
    kept = {
        (path.parts[path.parts.index("src") + 1 :], word.value.id)
        for path in SOURCES
        if path.suffix == ".py" and "services" in path.parts
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and _name(call.func) == "once"
        for word in call.keywords
        if word.arg == "answer" and isinstance(word.value, ast.Name)
    }
    models = {getattr(importlib.import_module(".".join(parts).removesuffix(".py")), name) for parts, name in kept}
    assert len(models) > 3
    assert {model: held for model in models if (held := personal & _fields(model))} == {}


def test_nobody_imports_by_a_name_that_the_import_rules_cannot_read() -> None:
    """`importlib.resources` reads files, which is something else."""
    found = []
    for path in _SOURCE:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name("import_module" | "__import__" | "exec" | "eval")):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
                case ast.Attribute(attr="import_module") | ast.alias(name="importlib" | "import_module"):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found


def test_every_model_is_among_the_rules_that_import_no_framework() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (plain,) = [contract for contract in contracts if contract["name"].startswith("Rules are plain Python")]
    models = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts[3:])
        for path in _SOURCE
        if path.name == "model.py" and path.parts[len(ROOT.parts)] == "services"
    }
    assert len(models) >= 13
    assert models <= set(plain["source_modules"])


def test_the_clock_is_read_in_one_place_so_that_rules_are_told_what_time_it_is() -> None:
    """How long something takes (`monotonic`) is no time of day; no model asks for that either."""
    found = []
    for path in _SOURCE:
        asks = _CLOCKS | (_STOPWATCHES if path.name == "model.py" else set())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in asks:
                found.append(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")
    assert sorted(found) == sorted(READS_THE_CLOCK)


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    folder = ROOT / "services" / service
    inside = {path.name for path in (folder / "src" / service).rglob("*.py")}
    assert {"app.py", "settings.py", "consumers.py", "usecases.py", "store.py", "tables.py", "model.py"} <= inside
    assert "personal_data.py" in inside
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
