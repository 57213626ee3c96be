"""What has changed since a commit, as git tells it: lines, and files of tests."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.mutants.forking import ROOT

_HUNK: Final = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.M)


@dataclass(frozen=True)
class Changes:
    """The lines of each file that are new or other than they were."""

    lines: dict[Path, set[int]]

    def touch(self, path: Path, line: int) -> bool:
        """Whether this line is one of them."""
        return line in self.lines.get(path, ())

    def tests(self, package: Path) -> list[Path]:
        """The package's files of tests that are new or other than they were."""
        return sorted(path for path in self.lines if path.name.startswith("test_") and package in path.parents)


def changes_since(commit: str) -> Changes:
    """What the working tree has that `commit` has not; nothing where there is no such commit, as in a shallow clone."""
    known = subprocess.run(["git", "rev-parse", "--verify", "-q", commit], cwd=ROOT, capture_output=True)
    if known.returncode:
        print(f"mutants: no commit {commit} here")
        return Changes({})
    told = subprocess.run(
        ["git", "diff", "-U0", "--no-prefix", "--no-renames", "--diff-filter=d", commit, "--", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines: dict[Path, set[int]] = {}
    for part in re.split(r"^diff --git .*$", told, flags=re.M)[1:]:
        name = re.search(r"^\+\+\+ (\S+)", part, re.M)
        if name:
            hunks = [(int(start), int(count or 1)) for start, count in _HUNK.findall(part)]
            lines[ROOT / name[1]] = {line for start, count in hunks for line in range(start, start + count)}
    return Changes(lines)
