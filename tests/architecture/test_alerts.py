"""Every alert fires when it should and rests when it should; promtool proves it where it is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
SOURCES = "".join(path.read_text() for path in ROOT.glob("*/*/src/**/*.py"))


def rules() -> list[dict[str, str]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    cases = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text())["tests"]
    asked = [question for case in cases for question in case["alert_rule_test"]]
    firing = {question["alertname"] for question in asked if question["exp_alerts"]}
    assert {rule["alert"] for rule in rules()} == firing


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_asks_for_something_that_a_service_tells(rule: dict[str, str]) -> None:
    names = re.findall(r"schalter_[a-z_]+", rule["expr"])
    told = [re.sub(r"_(bucket|sum|count)$", "", name) for name in names]
    assert [name for name in told if f'"{name}"' not in SOURCES] == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_alerts_fire_and_rest() -> None:
    command = ["promtool", "test", "rules", "alerts_test.yml"]
    done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
