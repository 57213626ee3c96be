"""The supervisor watches real processes: it waits, restarts the dead, and takes everybody with it when it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from schalter.embedded import PartFailedError, Program
from schalter.running.supervisor import Supervisor

Eventually = Callable[..., object]

# A stand-in for `schalter up`: the same supervisor over two programs that become ready by making a file.
SUPERVISED = """
import json, sys
from pathlib import Path
from schalter.embedded import Program
from schalter.running.supervisor import Supervisor
home = Path(sys.argv[1])
def program(name, code):
    ready = home / f"{name}.ready"
    return Program(name, (sys.executable, "-c", code, str(ready)), ready.exists, home / f"{name}.log")
COMMON = "import signal, subprocess, sys, time, pathlib; {}; pathlib.Path(sys.argv[1]).touch(); time.sleep(100)"
CHILD = COMMON.format("subprocess.Popen(['sleep', '100'])")
STUBBORN = COMMON.format("signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))")
def tell():
    (home / "new").write_text(json.dumps(supervisor.pids()))
    (home / "new").rename(home / "pids")
supervisor = Supervisor(lambda line: print(line, flush=True), changed=tell)
supervisor.listen_for_signals()
supervisor.start([program("child", CHILD)])
supervisor.start([program("stubborn", STUBBORN)])
tell()
supervisor.run()
supervisor.stop()
"""


class Supervised:
    """A supervisor in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.output = home / "output"
        with self.output.open("w") as output:
            self.popen = subprocess.Popen([sys.executable, "-c", SUPERVISED, str(home)], stdout=output, stderr=output)

    def pids(self) -> dict[str, int]:
        file = self.home / "pids"
        pids: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        return pids


@pytest.fixture
def supervised(tmp_path: Path, eventually: Eventually) -> Iterator[Supervised]:
    it = Supervised(tmp_path)
    eventually(it.pids)
    yield it
    it.popen.kill()
    it.popen.wait()


def family(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    return all(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE for process in processes)


def test_a_killed_part_is_restarted_and_both_are_said(supervised: Supervised, eventually: Eventually) -> None:
    before = supervised.pids()
    os.kill(before["child"], signal.SIGKILL)
    eventually(lambda: "child is back after" in supervised.output.read_text())
    after = supervised.pids()
    assert after["child"] != before["child"]
    assert after["stubborn"] == before["stubborn"]
    assert "child was killed by SIGKILL (signal 9). Starting it again in 0.1 s." in supervised.output.read_text()


def test_ctrl_c_ends_everybody_children_and_the_impolite_included(
    supervised: Supervised, eventually: Eventually
) -> None:
    processes = [process for pid in supervised.pids().values() for process in family(pid)]
    supervised.popen.send_signal(signal.SIGINT)
    eventually(lambda: "no" in (supervised.home / "stubborn.log").read_text())
    supervised.popen.send_signal(signal.SIGINT)  # a second one: without waiting for manners
    assert supervised.popen.wait(15) == 0
    assert gone(processes)


def test_a_kill_of_the_supervisor_takes_the_parts_along(supervised: Supervised, eventually: Eventually) -> None:
    processes = [psutil.Process(pid) for pid in supervised.pids().values()]
    supervised.popen.kill()
    supervised.popen.wait()
    eventually(lambda: gone(processes))


def test_a_part_that_ends_at_its_start_fails_with_its_last_words(tmp_path: Path) -> None:
    code = "import sys; print('one', flush=True); sys.exit('no such office: atlantis')"
    program = Program("booking", (sys.executable, "-c", code), lambda: False, tmp_path / "booking.log")
    supervisor = Supervisor(lambda _: None)
    with pytest.raises(PartFailedError, match=r"^booking ended with code 1: no such office: atlantis \(see .*\)$"):
        supervisor.start([program])
    supervisor.stop()


def test_a_program_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    program = Program("ghost", ("/nonexistent/ghost",), lambda: True, tmp_path / "ghost.log")
    supervisor = Supervisor(lambda _: None)
    with pytest.raises(PartFailedError, match="ghost cannot be started"):
        supervisor.start([program])
