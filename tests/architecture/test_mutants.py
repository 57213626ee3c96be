"""`make mutants` itself: a hole is seen, what no test runs is said, and whatever happens the program stays as it is.

It works here on a small package of its own, in a copy.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tools.mutants.forking import ROOT
from tools.mutants.planting import EQUIVALENT, SKIPPED, mutants_of
from tools.mutants.recording import PACKAGES

RULES = '''"""Who may what."""

ADULT = 18


def may_vote(age: int) -> bool:
    """Where the law draws the line."""
    return age >= ADULT


def may_drive(age: int) -> bool:
    """No test asks exactly at the line."""
    return age > 17


def refuse(name: str) -> str:
    """Its refusal is not looked at."""
    if name == "":
        raise ValueError(name)
    return name


def forgotten(age: int) -> bool:
    """No test comes here."""
    return age < 6


OURS = "SELECT name FROM voter WHERE office = :office"


def ours() -> str:
    """The statement."""
    return OURS
'''
TESTS = """from tiny import rules


def test_the_line():
    assert rules.may_vote(18) and not rules.may_vote(17)


def test_far_from_the_line():
    assert rules.may_drive(40) and not rules.may_drive(3)
    assert rules.refuse("Erika") == "Erika"


def test_the_statement():
    assert "office = :office" in rules.ours()
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workshop with the tool and one package, and a folder for whatever it needs meanwhile."""
    shutil.copytree(ROOT / "tools/mutants", tmp_path / "tools/mutants", ignore=shutil.ignore_patterns("__pycache__"))
    source, tests = tmp_path / "libs/contracts/src/tiny", tmp_path / "libs/contracts/tests"
    source.mkdir(parents=True)
    tests.mkdir()
    (tmp_path / "temporary").mkdir()
    (source / "__init__.py").touch()
    (source / "rules.py").write_text(RULES)
    (tests / "test_rules.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\nmarkers = ["journey: one"]\n'
    )
    # Last on the path: whoever plants a mutant puts the copy with it before.
    (tmp_path / "conftest.py").write_text(f"import sys\nsys.path.append({str(source.parent)!r})\n")
    return tmp_path


@pytest.fixture
def start(place: Path) -> Iterator["Start"]:
    yield (starter := Start(place))
    starter.end()


def change(place: Path, rules: str, tests: str) -> None:
    """What a change makes of the package."""
    (place / "libs/contracts/src/tiny/rules.py").write_text(rules)
    (place / "libs/contracts/tests/test_rules.py").write_text(tests)


class Start:
    """`start(*arguments)`: the command, running; it gets no further than this test."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._running: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: str) -> "subprocess.Popen[str]":
        self._running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tools.mutants", "--only", "contracts", "--jobs", "1", "--verbose", *arguments],
                cwd=self._place,
                env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
                | {"TMPDIR": str(self._place / "temporary"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return self._running[-1]

    def end(self) -> None:
        for each in self._running:
            each.kill()
            each.communicate()


def told(running: "subprocess.Popen[str]") -> str:
    output, _ = running.communicate(timeout=120)
    return output


@pytest.fixture
def repository(place: Path) -> Path:
    """The workshop under git, everything committed: what a test writes from here on is the change."""
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "before"]):
        who = ["-c", "user.name=Erika", "-c", "user.email=erika@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=place, check=True, capture_output=True)
    return place


def test_a_hole_is_noticed_or_said_to_be_one(place: Path, start: Start) -> None:
    running = start("--count", "0", "--at-least", "90")
    lines = {" ".join(line.split()) for line in told(running).splitlines()}

    def fate_of(was: str, new: str) -> str:
        [found] = [line.split()[0] for line in lines if f"] {was} => {new} (" in line]
        return found

    assert running.returncode == 1, "less than 90 %"
    assert fate_of("office = :office", "TRUE") == "killed", "a lost filter"
    assert fate_of("18", "19") == "killed", "a constant that a rule uses"
    assert fate_of("17", "18") == "survived", "no test asks at the line"
    assert fate_of("raise ValueError(name)", "pass") == "uncovered", "no test is refused"
    assert fate_of("6", "7") == "uncovered", "no test comes there"
    assert fate_of("==", "!=") == "killed"
    assert [line for line in lines if line.startswith("mutants: contracts: ") and " noticed, " in line]
    assert (place / "libs/contracts/src/tiny/rules.py").read_text() == RULES
    assert not list((place / "temporary").iterdir())


def test_tests_that_fail_by_themselves_prove_nothing(place: Path, start: Start) -> None:
    (place / "libs/contracts/tests/test_rules.py").write_text(f"{TESTS}\n\ndef test_wrong():\n    assert False\n")
    running = start("--count", "0")
    assert "fail without any mutant" in told(running)
    assert running.returncode == 1


def test_of_a_change_its_own_lines_are_tried_by_its_own_tests(repository: Path, start: Start) -> None:
    change(repository, RULES.replace("age > 17", "age > 16"), TESTS.replace("may_drive(3)", "may_drive(16)"))
    output = told(start("--changed", "HEAD", "--seconds", "60"))
    assert "[rule] >  =>  >=" in output
    assert "[value] 16  =>  17" in output
    assert "2 of 2 noticed" in output or "1 of 2 noticed" in output
    assert "18" not in output


def test_a_change_that_says_nothing_of_itself_fails(repository: Path, start: Start) -> None:
    rules = "".join(f"\n\ndef rule_{n}(age: int) -> bool:\n    return age > {n}\n" for n in range(8))
    tests = "".join(f"    rules.rule_{n}(20)\n" for n in range(8))
    change(repository, RULES + rules, f"{TESTS}\n\ndef test_nothing():\n{tests}")
    running = start("--changed", "HEAD", "--at-least", "60")
    assert "0 of 16 noticed" in told(running)
    assert running.returncode == 1


def test_one_survivor_of_a_small_change_may_be_chance(repository: Path, start: Start) -> None:
    change(repository, RULES.replace("age > 17", "age > 16"), TESTS.replace("may_drive(40)", "may_drive(41)"))
    running = start("--changed", "HEAD", "--at-least", "60")
    assert "0 of 2 noticed" in told(running)
    assert running.returncode == 0


def test_a_change_too_large_for_the_time_is_not_judged_by_half_of_its_tests(repository: Path, start: Start) -> None:
    slow = f"{TESTS}\n\ndef test_slow():\n    import time\n    time.sleep(600)\n"
    change(repository, RULES.replace("age > 17", "age > 16"), slow)
    begun = time.monotonic()
    running = start("--changed", "HEAD", "--seconds", "12", "--at-least", "60")
    output = told(running)
    assert "nothing is planted in contracts" in output
    assert "0 of 0 noticed" in output
    assert running.returncode == 0
    assert time.monotonic() - begun < 300  # the slow test takes twice that
    assert not list((repository / "temporary").iterdir())


def test_of_changed_tests_that_fail_nothing_is_made_up(repository: Path, start: Start) -> None:
    """Whoever runs the tests is told; here they prove nothing."""
    change(repository, RULES.replace("age > 17", "age > 16"), f"{TESTS}\n\ndef test_wrong():\n    assert False\n")
    running = start("--changed", "HEAD", "--at-least", "60")
    assert "nothing is planted in contracts: the tests" in told(running)
    assert running.returncode == 0


def test_what_has_not_changed_is_not_recorded_again(place: Path, start: Start) -> None:
    other = place / "libs/contracts/tests/test_other.py"
    other.write_text("def test_other():\n    assert True\n")
    assert "files: 2" in told(start("--count", "1"))
    other.write_text("def test_other():\n    assert 1\n")
    assert "files: 1" in told(start("--count", "1")), "the file itself"
    (place / "libs/contracts/src/tiny/rules.py").write_text(RULES.replace("age > 17", "age > 16"))
    assert "files: 1" in told(start("--count", "1")), "what it runs"
    assert "recording" not in told(start("--count", "1"))
    (place / "conftest.py").write_text((place / "conftest.py").read_text() + "\n")
    assert "files: 2" in told(start("--count", "1")), "what all have in common"


def test_who_stops_it_finds_everything_as_it_was(place: Path, start: Start) -> None:
    """A mutant is being tried, and its test never ends."""
    stuck = place / "stuck"
    tests = place / "libs/contracts/tests/test_rules.py"
    tests.write_text(
        f"{TESTS}\n\ndef test_stuck():\n    import os, pathlib, time\n"
        f"    if not rules.may_vote(18):\n        pathlib.Path({str(stuck)!r}).write_text(str(os.getpid()))\n"
        "        time.sleep(600)\n"
    )
    tests.write_text(tests.read_text().replace("assert rules.may_vote(18) and", "assert"))
    running = start("--count", "0", "--kind", "value", "--file", "rules.py")
    deadline = time.monotonic() + 60
    while not stuck.exists() or not stuck.read_text():
        assert running.poll() is None, told(running)
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    told(running)
    assert running.returncode != 0
    assert not psutil.pid_exists(int(stuck.read_text()))
    assert (place / "libs/contracts/src/tiny/rules.py").read_text() == RULES
    assert not list((place / "temporary").iterdir())


def test_every_mutant_that_is_called_equivalent_is_still_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry whose line is gone, or that has no reason, goes."""
    monkeypatch.setattr("tools.mutants.planting.EQUIVALENT", [])
    for one in EQUIVALENT:
        assert len(one.why) > 20, one
        files = [path for root in PACKAGES.values() for path in root.rglob("*.py") if str(path).endswith(one.file)]
        assert any(one.is_(mutant) for path in files if path.name not in SKIPPED for mutant in mutants_of(path)), one
