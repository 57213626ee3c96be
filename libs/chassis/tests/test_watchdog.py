"""A process that hangs is ended and says where; one that works is left alone."""

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, re, time
from chassis.watchdog import watchdog

def stuck():
    {block}

async def main():
    guard = asyncio.create_task(watchdog({seconds}))
    await asyncio.sleep(0.5)
    {then}
    guard.cancel()
    await asyncio.gather(guard, return_exceptions=True)
    time.sleep(1)  # nobody watches any more
    print("worked")

asyncio.run(main())
"""


def run(**parts: object) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(**{"block": "pass", "seconds": 0.4, "then": "pass"} | parts)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "block",
    ["while True: pass", "re.match('(a+)+$', 'a' * 60 + 'b')", "time.sleep(60)"],
    ids=["in Python", "in C, with Python's lock", "waiting"],
)
def test_a_loop_that_stands_still_ends_the_process_and_is_told_where(block: str) -> None:
    done = run(block=block, then="stuck()")
    assert (done.returncode, done.stdout) == (1, "")
    assert "in stuck" in done.stderr


def test_who_works_is_left_alone() -> None:
    done = run(seconds=5)
    assert (done.returncode, done.stdout) == (0, "worked\n"), done.stderr
