"""Every alert fires and rests when it should, which promtool proves, and has a page that says what to do."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.observability import slo

from schalter import metrics
from schalter.running.home import Home

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
CASES = ("alerts_test.yml", "slo_test.yml")
#: What whoever is woken looks for, in this order.
HEADINGS = ["What it means", "What to look at", "What to do", "Whom to wake"]


def rules() -> list[dict[str, Any]]:
    files = [PROMETHEUS / "alerts.yml", PROMETHEUS / "slo.yml"]
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = [rule for rule in rules() if "alert" in rule]
NAMES = sorted({alert["alert"] for alert in ALERTS})


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_rests() -> None:
    cases = [case for file in CASES for case in yaml.safe_load((PROMETHEUS / file).read_text())["tests"]]
    asked = [question for case in cases for question in case["alert_rule_test"]]
    assert sorted({question["alertname"] for question in asked if question["exp_alerts"]}) == NAMES
    assert sorted({question["alertname"] for question in asked if not question["exp_alerts"]}) == NAMES


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_asks_for_something_that_a_service_tells(rule: dict[str, Any]) -> None:
    names = re.findall(r"\bschalter_[a-z_]+", rule["expr"])
    told = [re.sub(r"_(bucket|sum|count)$", "", name) for name in names]
    assert set(told) <= {series.name for series in metrics.declared(Home.find())}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert set(re.findall(r"schalter:[a-z0-9_:]+", rule["expr"])) <= recorded


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_how_urgent_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert set(alert["annotations"]) == {"summary", "action", "runbook"}
    assert alert["annotations"]["runbook"] == f"docs/runbooks/{alert['alert']}.md"


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert sorted(page.stem for page in RUNBOOKS.glob("*.md") if page.stem != "README") == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_page_answers_the_four_questions(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) <= 60, "one page"


def test_the_promises_rules_are_current() -> None:
    assert (PROMETHEUS / "slo.yml").read_text() == slo.document(), "make dashboards"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed: apt-get install prometheus")
def test_alerts_fire_and_rest() -> None:
    command = ["promtool", "test", "rules", *CASES]
    done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
