"""Templates print values, never methods: `x.items` of a mapping is its method, and a page would show its address."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted(
    path
    for folder in ("services", "simulators", "cli", "libs")
    for path in (ROOT / folder).rglob("templates/*")
    if path.suffix in {".j2", ".html"} and "node_modules" not in path.parts
)
#: Names that a mapping or list answers with a method, whatever it holds.
METHODS = {name for kind in (dict, list) for name in dir(kind) if not name.startswith("_")}


def methods_printed(template: str) -> Iterator[str]:
    """Attributes of that kind which `template` uses without calling them."""
    tree = Environment(autoescape=True).parse(template)
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    for attribute in tree.find_all(nodes.Getattr):
        if attribute.attr in METHODS and id(attribute) not in called:
            yield f"line {attribute.lineno}: .{attribute.attr}"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_prints_a_method(path: Path) -> None:
    assert list(methods_printed(path.read_text(encoding="utf-8"))) == []


def test_a_method_is_found() -> None:
    assert list(methods_printed("<caption>{{ t.items }}</caption>")) == ["line 1: .items"]
    assert list(methods_printed('{{ t["items"] }}{% for key, value in t.items() %}{{ key }}{% endfor %}')) == []
