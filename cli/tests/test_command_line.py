"""What people see when they type: clear lines and exit codes, never a traceback."""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from schalter.embedded.errors import unreachable
from schalter.main import app
from schalter.personal_data import BEGIN, END

ROOT = Path(__file__).resolve().parents[2]


class Done(NamedTuple):
    code: int
    out: str
    err: str


Schalter = Callable[..., Done]


@pytest.fixture
def schalter(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Schalter:
    def run(*arguments: str | Path) -> Done:
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr("sys.argv", ["schalter", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            app()
        return Done(int(end.value.code or 0), *capsys.readouterr())

    return run


def test_a_port_in_use_is_one_line_and_exit_code_1(schalter: Schalter, tmp_path: Path) -> None:
    if not (ROOT / "web/dist/citizen/index.html").exists():
        pytest.skip("needs built pages")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = schalter("up", "--port", str(port), "--var", tmp_path / "var")
    assert done.code == 1
    line = f"schalter: Port {port} is in use by another program. Choose another: make up PORT={port + 1}\n"
    assert done.err == line
    assert done.out == ""


def test_the_shipped_offices_are_good_and_told_at_a_glance(schalter: Schalter, offices_dir: Path) -> None:
    done = schalter("offices", "check", offices_dir)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert [line.split(":")[0] for line in lines if line[0] != " "] == ["demo", "heidelberg"]
    assert "heidelberg: Bürgeramt Heidelberg, 6 clerks, Europe/Berlin" in lines
    assert "  hours    tue 08:00-12:00; wed 14:00-17:30; thu 08:00-12:00; closed on holidays of BW" in lines
    assert "  hours    every day 00:00-24:00; open on holidays" in lines
    told = [" ".join(line.split()) for line in lines]
    assert "personalausweis 15 min, +10 27.60 to 46.00 EUR" in told
    assert "beratung 15 min free" in told
    assert "meldebescheinigung 10 min, +5 5.00 EUR this office's fee, unverified: check it" in told
    assert any(line.startswith("not here ") and "wunschkennzeichen" in line for line in told)


def test_a_bad_office_file_is_named_with_its_reason(schalter: Schalter, tmp_path: Path, offices_dir: Path) -> None:
    text = (offices_dir / "demo.toml").read_text().replace("Europe/Berlin", "Europe/Atlantis")
    (tmp_path / "demo.toml").write_text(text)
    done = schalter("offices", "check", tmp_path)
    assert done.code == 1
    assert "demo.toml: line 5: time_zone" in done.err
    assert "Europe/Atlantis" in done.err
    assert len(done.err.splitlines()) == 1


def test_the_committed_bus_configuration_is_what_the_topology_says(schalter: Schalter) -> None:
    done = schalter("nats-config", "--check", ROOT / "deploy/nats/nats.conf")
    assert done.code == 0, done.err


def test_a_stale_bus_configuration_is_refused(schalter: Schalter, tmp_path: Path) -> None:
    (tmp_path / "nats.conf").write_text("listen: 1\n")
    done = schalter("nats-config", "--check", tmp_path / "nats.conf")
    assert done.code == 1
    assert "schalter nats-config" in done.err


def test_replay_without_a_running_system_says_so(schalter: Schalter, tmp_path: Path) -> None:
    done = schalter("events", "replay", "--var", tmp_path)
    assert done.code == 1
    assert done.err.startswith("schalter: Schalter does not run")


def test_what_cannot_be_published_again_is_one_line(schalter: Schalter, tmp_path: Path) -> None:
    command = "events", "republish", "--var", tmp_path, "--since"
    assert schalter(*command, "2026-11-22").err == f"schalter: Schalter does not run with {tmp_path}. Start it first.\n"
    unknown = schalter(*command, "2026-11-22", "--service", "post")
    assert (unknown.code, unknown.out) == (1, "")
    assert unknown.err.startswith("schalter: There is no service 'post'. There are: booking, ")
    (tmp_path / "up.json").write_text('{"ports": {"postgres": 1, "redis": 1, "nats": 1}}')
    assert schalter(*command, "yesterday").err.startswith("schalter: 'yesterday' is no instant. Write it as 2026-")
    away = schalter(*command, "2026-11-22")
    assert away.err.startswith("schalter: The database of booking cannot be reached: ")
    assert away.err.endswith(". What is wrong, and what to do: schalter doctor\n")


@pytest.mark.parametrize(
    ("error", "said"), [(TimeoutError(), "TimeoutError"), (OSError("it is closed."), "it is closed")]
)
def test_no_error_ends_at_a_colon(error: Exception, said: str) -> None:
    assert str(unreachable("The bus", error)).startswith(f"The bus cannot be reached: {said}. What is wrong")


def test_chores_read_the_office_files_of_the_running_system(
    schalter: Schalter, offices_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCHALTER_OFFICES_DIR", raising=False)
    folder = tmp_path / "offices"
    folder.mkdir()
    shutil.copy(offices_dir / "demo.toml", folder)
    state = {"ports": {"postgres": 1, "redis": 1, "nats": 1}, "offices": str(folder)}
    (tmp_path / "up.json").write_text(json.dumps(state))
    unknown = "clerks", "list", "nowhere", "--var", tmp_path
    assert schalter(*unknown).err == "schalter: There is no office 'nowhere'. There are: demo.\n"
    monkeypatch.setenv("SCHALTER_OFFICES_DIR", str(offices_dir))
    assert "There are: demo, heidelberg." in schalter(*unknown).err


def test_a_page_without_a_place_for_the_registries_is_said_so(schalter: Schalter, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    found = schalter("personal-data", "document", page)
    assert found.code == 1
    assert "has no place for what is made" in found.err


def test_a_stale_page_is_written_anew(schalter: Schalter, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nstale words\n{END}\nafter\n")
    assert schalter("personal-data", "document", "--check", page).code == 1
    for _ in range(2):
        assert schalter("personal-data", "document", page).code == 0
        assert schalter("personal-data", "document", "--check", page).code == 0
    text = page.read_text()
    assert (text.startswith("before\n"), text.endswith("after\n"), "stale words" in text) == (True, True, False)
    assert "**appointment** (by the link)" in text


def test_what_is_stored_about_somebody_is_asked_of_a_running_system(schalter: Schalter, tmp_path: Path) -> None:
    found = schalter("personal-data", "of", "00000000-0000-4000-8000-000000000000", "--var", tmp_path)
    assert found.code == 1
    assert "does not run" in found.err
