"""Writes what operators' programs read: `make dashboards`; `--check` only says whether the files are current."""

import argparse
import sys
from pathlib import Path
from typing import Final

from tools.observability import slo
from tools.observability.boards import ALL
from tools.observability.grafana import rendered

_DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARDS: Final = _DEPLOY / "grafana" / "dashboards"


def files() -> dict[Path, str]:
    """All files that are made, and what they hold."""
    made = {DASHBOARDS / f"{board.uid.removeprefix('schalter-')}.json": rendered(board) for board in ALL}
    return {_DEPLOY / "prometheus" / "slo.yml": slo.document(), **made}


def main() -> int:
    """Write them, or with `--check` say which are not current. The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.observability", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when a file is not current")
    check = parser.parse_args().check
    wanted = files()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    left = [path for path in DASHBOARDS.glob("*.json") if path not in wanted]
    for path in (*stale, *left):
        done = "not current" if check else "written" if path in wanted else "removed"
        print(f"{done}: {path.relative_to(_DEPLOY.parent)}")
    if check:
        return 1 if stale or left else 0
    DASHBOARDS.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    for path in left:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
