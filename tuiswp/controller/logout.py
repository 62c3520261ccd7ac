"""Whether the system ends what a person leaves running when the last line is closed. Reads only.

logind's `KillUserProcesses=yes` ends every process in the scope of a login session at its end, tmux
and controllers among them; no program can outlive that from inside (logind.conf(5)). A scope of the
user's own manager does, and that manager stays with lingering (loginctl(1)).
"""

import configparser
import getpass
from collections.abc import Iterator
from pathlib import Path

_SESSION = "/session-"
_FOLDERS = ("usr/lib", "usr/local/lib", "run", "etc")  # a later one's file hides an earlier one's
_MAIN = ("etc", "run", "usr/local/lib", "usr/lib")  # the first that is there counts
REMEDY = "`loginctl enable-linger` once, then start it as `systemd-run --user --scope tuiswp ...`"


def ends_what_runs(root: Path = Path("/"), user: str | None = None) -> str | None:
    """What will be ended, in a sentence; None if nothing is, or it cannot be known."""
    try:
        groups = (root / "proc/self/cgroup").read_text()
        if not any(_SESSION in line and line.endswith(".scope") for line in groups.splitlines()):
            return None  # started by a service, cron, or in a scope of its own
        settings = _settings(root)
        user = user or getpass.getuser()
    except (OSError, ValueError, KeyError):
        return None
    only, spared = settings.get("killonlyusers", "").split(), settings.get("killexcludeusers")
    if settings.get("killuserprocesses", "no").lower() not in ("yes", "true", "on", "1"):
        return None
    if (only and user not in only) or user in ("root" if spared is None else spared).split():
        return None
    return "this system ends all processes of a login at logout (KillUserProcesses=yes), trials too"


def _settings(root: Path) -> dict[str, str]:
    """logind's settings that count, by lower-case name."""
    found: dict[str, str] = {}
    for path in _files(root):
        parser = configparser.ConfigParser(
            interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#", ";")
        )
        try:
            parser.read_string(path.read_text(encoding="utf-8", errors="replace"))
        except (OSError, configparser.Error):
            continue
        if parser.has_section("Login"):
            found |= dict(parser["Login"])
    return found


def _files(root: Path) -> Iterator[Path]:
    mains = (root / folder / "systemd/logind.conf" for folder in _MAIN)
    yield from [path for path in mains if path.is_file()][:1]
    drop_ins = {
        path.name: path
        for folder in _FOLDERS
        for path in (root / folder / "systemd/logind.conf.d").glob("*.conf")
    }
    for name in sorted(drop_ins):
        yield drop_ins[name]
