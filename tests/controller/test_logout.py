"""Whether the end of a login ends what was left running is known before it happens."""

from pathlib import Path

import pytest

from tuiswp.controller.logout import ends_what_runs

SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
OWN_SCOPE = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-r1.scope\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "proc/self/cgroup", SESSION)
    write(tmp_path, "etc/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_system_that_ends_nothing_is_not_spoken_of(root: Path) -> None:
    assert ends_what_runs(root, "ada") is None


def test_a_system_that_ends_everything_is(root: Path) -> None:
    write(root, "etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\n")
    said = ends_what_runs(root, "ada")
    assert said is not None and "KillUserProcesses=yes" in said


@pytest.mark.parametrize("groups", [OWN_SCOPE, "0::/system.slice/cron.service\n", "0::/\n", ""])
def test_what_is_not_part_of_a_login_outlives_it(root: Path, groups: str) -> None:
    write(root, "etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\n")
    write(root, "proc/self/cgroup", groups)
    assert ends_what_runs(root, "ada") is None


def test_the_old_hierarchy_of_groups_is_understood(root: Path) -> None:
    write(root, "etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\n")
    write(root, "proc/self/cgroup", f"4:memory:/x\n1:name=systemd:{SESSION[3:]}")
    assert ends_what_runs(root, "ada") is not None


def test_a_later_file_decides_and_one_of_the_same_name_is_hidden(root: Path) -> None:
    write(root, "usr/lib/systemd/logind.conf.d/50-a.conf", "[Login]\nKillUserProcesses=yes\n")
    assert ends_what_runs(root, "ada") is not None
    write(root, "run/systemd/logind.conf.d/60-b.conf", "[Login]\nKillUserProcesses=no\n")
    assert ends_what_runs(root, "ada") is None
    write(root, "etc/systemd/logind.conf.d/60-b.conf", "[Login]\nKillUserProcesses=true\n")
    assert ends_what_runs(root, "ada") is not None


def test_who_is_spared_is_spared(root: Path) -> None:
    write(root, "etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\n")
    assert ends_what_runs(root, "root") is None, "the default of logind"
    write(root, "etc/systemd/logind.conf.d/a.conf", "[Login]\nKillExcludeUsers=ada bob\n")
    assert ends_what_runs(root, "ada") is None
    assert ends_what_runs(root, "root") is not None
    write(root, "etc/systemd/logind.conf.d/a.conf", "[Login]\nKillOnlyUsers=bob\n")
    assert ends_what_runs(root, "ada") is None
    assert ends_what_runs(root, "bob") is not None


@pytest.mark.parametrize(
    "text", ["", "KillUserProcesses=yes\n", "[Login\nKill=", "\0\0", "[Other]\n"]
)
def test_a_file_that_makes_no_sense_says_nothing(root: Path, text: str) -> None:
    write(root, "etc/systemd/logind.conf", text)
    assert ends_what_runs(root, "ada") is None


def test_a_machine_without_any_of_it_says_nothing(tmp_path: Path) -> None:
    assert ends_what_runs(tmp_path, "ada") is None
