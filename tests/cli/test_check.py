"""`check`, `gpus` and `doctor`: what is known before anything runs."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Tuiswp
from tests.cli.world import SPEC, finished, run_folder
from tuiswp.cli import doctor


def test_check_shows_parameters_plan_and_exact_commands(tuiswp: Tuiswp, here: Path) -> None:
    (here / "s.yaml").write_text(SPEC)
    said = tuiswp("check", "s.yaml")
    assert said.code == 0
    assert said.out.splitlines()[0] == "lr  grid  minimize loss"
    assert "4 trials; no GPU here: 2 trials at once in CPU slots, 2 waves" in said.out
    assert "the baseline is t0000: lr=3e-4" in said.out
    assert "sh -c true --lr=3e-4" in said.out
    assert "sh -c true --lr=1e-4" in said.out
    assert "sh -c true --lr=1e-2" not in said.out  # only the first three
    assert not (here / "sweeps").exists()


def test_check_json(tuiswp: Tuiswp, here: Path) -> None:
    (here / "s.yaml").write_text(SPEC)
    found = tuiswp("check", "s.yaml", "--json").json
    assert (found["trials"], found["parallel"], found["waves"]) == (4, 2, 2)
    assert found["parameters"][0]["name"] == "lr"
    assert found["parameters"][0]["axis"] == "log"
    assert found["first"][0]["baseline"] is True
    assert found["first"][1]["argv"] == ["sh", "-c", "true", "--lr=1e-4"]
    assert found["problem"] is None


def test_text_has_no_axis_and_a_warning_is_not_said_twice(tuiswp: Tuiswp, here: Path) -> None:
    text = SPEC.replace("parameters:", "parameters:\n  opt: {values: [adam, sgd]}", 1)
    (here / "s.yaml").write_text(text.replace("baseline: {lr: 3e-4}, ", ""))
    found = tuiswp("check", "s.yaml", "--json").json
    axes = {one["name"]: one["axis"] for one in found["parameters"]}
    assert (axes["lr"], axes["opt"]) == ("log", None)
    assert tuiswp("check", "s.yaml").out.count("baseline") == 2  # the code and its suggestion


def test_check_plans_on_the_gpus_found(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "sim:3x80")
    (here / "s.yaml").write_text(SPEC.replace(", max_parallel: 2", ""))
    found = tuiswp("check", "s.yaml", "--json").json
    assert (found["parallel"], found["waves"]) == (3, 2)
    (here / "big.yaml").write_text(SPEC.replace("max_parallel: 2", "gpus_per_trial: 4"))
    assert "none can run" in tuiswp("check", "big.yaml").out


def test_check_warns_of_what_will_be_regretted(tuiswp: Tuiswp, here: Path) -> None:
    (here / "s.yaml").write_text(SPEC.replace("1e-4, 1e-3, 1e-2", "1e-3, 2e-3, 3e-3"))
    said = tuiswp("check", "s.yaml")
    assert said.code == 0
    assert "warning narrow-range" in said.out
    codes = {one["code"] for one in tuiswp("check", "s.yaml", "--json").json["warnings"]}
    assert {"narrow-range", "linear-scale"} <= codes


def test_check_of_a_missing_program_ends_with_2(tuiswp: Tuiswp, here: Path) -> None:
    (here / "s.yaml").write_text(
        "program: gone.py\nmethod: grid\nmetric: {name: loss}\nparameters: {lr: {values: [1, 2]}}\n"
    )
    said = tuiswp("check", "s.yaml")
    assert said.code == 2
    assert "gone.py" in said.err
    assert "s.yaml:1" in said.err


def test_every_fault_of_a_file_gets_a_line_of_its_own(tuiswp: Tuiswp, here: Path) -> None:
    (here / "s.yaml").write_text(
        "method: grid\nmetrik: {name: loss}\nparameters:\n  lr: {min: 2, max: 1}\n"
    )
    said = tuiswp("check", "s.yaml")
    assert said.code == 2
    lines = said.err.splitlines()
    assert len(lines) >= 2
    assert all(line.startswith("tuiswp: error: s.yaml") for line in lines)


def test_hostile_values_are_shown_inert_and_quoted(tuiswp: Tuiswp, here: Path) -> None:
    (here / "s.yaml").write_text(
        "method: grid\nmetric: {name: loss}\n"
        'parameters: {x: {values: ["\\e]0;a\\a; rm -rf $(x)", b]}}\n'
        'command: ["sh", "-c", "true", "${args}"]\n'
    )
    said = tuiswp("check", "s.yaml")
    assert said.code == 0
    assert "\x1b" not in said.out
    assert r"$'--x=\033]0;a\007; rm -rf $(x)'" in said.out


def test_check_of_a_started_sweep_reads_its_frozen_file(tuiswp: Tuiswp, here: Path) -> None:
    finished(here / "sweeps" / "lr")
    assert tuiswp("check", "lr").code == 0
    run_folder(here / "runs")
    assert "there is no sweep file to check" in tuiswp("check", "runs").err


def test_gpus_without_nvml_says_slots(tuiswp: Tuiswp) -> None:
    said = tuiswp("gpus")
    assert said.code == 0
    assert said.out.startswith("no GPU here")
    assert "CPU slots" in said.out
    assert tuiswp("gpus", "--json").json["gpus"] == []


def test_gpus_lists_each_with_a_verdict(tuiswp: Tuiswp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "sim:2x80")
    said = tuiswp("gpus")
    assert "G1 is free" in said.out
    found = tuiswp("gpus", "--json").json
    assert found["source"] == "sim"
    assert found["gpus"][1]["verdict"].startswith("G1 is free")
    assert "at" not in found["gpus"][1]


def test_a_wrong_gpu_setting_is_refused(tuiswp: Tuiswp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "seven")
    assert tuiswp("gpus").code == 2
    said = tuiswp("doctor")
    assert said.code == 1
    assert "TUISWP_GPUS" in said.out


def test_doctor_names_what_it_looked_at(tuiswp: Tuiswp) -> None:
    found = tuiswp("doctor", "--json")
    names = {one["name"] for one in found.json["findings"]}
    assert {"python", "tuiswp", "libraries", "tmux", "gpus", "disk", "runtime"} <= names
    assert found.code == (0 if found.json["ok"] else 1)


def test_doctor_says_of_a_disk_that_it_is_slow_or_refuses(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "SLOW_S", 0.0)
    said = tuiswp("doctor")
    assert "until a fact is on the disk" in said.out
    assert list(here.iterdir()) == []

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    said = tuiswp("doctor")
    assert "No space left on device" in said.out
    assert said.code == 1


def test_doctor_fails_without_tmux(tuiswp: Tuiswp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    said = tuiswp("doctor")
    assert said.code == 1
    assert "fail  tmux" in said.out
    assert "apt install tmux" in said.out


def test_doctor_fails_with_a_runtime_directory_of_others(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "open").mkdir(mode=0o777)
    (here / "open").chmod(0o777)
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(here / "open"))
    said = tuiswp("doctor")
    assert said.code == 1
    assert "chmod 700" in said.out


def test_an_unset_variable_of_the_command_is_named(
    tuiswp: Tuiswp, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_THING", raising=False)
    monkeypatch.setenv("SUCH_A_THING", "x")
    command = '"true", "${envvar:NO_SUCH_THING}", "${envvar:SUCH_A_THING}", "${args}"'
    text = SPEC.replace('"true", "${args}"', command)
    assert text != SPEC
    (here / "s.yaml").write_text(text)
    said = tuiswp("check", "s.yaml").out
    assert "${envvar:NO_SUCH_THING} is not set; the command gets the word NO_SUCH_THING" in said
    assert "${envvar:SUCH_A_THING} is not set" not in said


def test_check_takes_what_is_said_otherwise_than_in_the_file(tuiswp: Tuiswp, here: Path) -> None:
    (here / "s.yaml").write_text(SPEC)
    said = tuiswp(
        "check", "s.yaml", "--fix", "lr=5e-3", "--metric", "eval/f1", "--goal", "maximize"
    )
    assert said.out.splitlines()[0] == "lr  grid  maximize eval/f1"
    assert "--lr=5e-3" in said.out or "--lr=0.005" in said.out
    finished(here / "sweeps" / "lr")
    refused = tuiswp("check", "lr", "--count", "3")
    assert (refused.code, "go with a sweep file" in refused.err) == (2, True)


def test_it_says_what_will_be_told_and_that_the_program_for_it_is_missing(
    tuiswp: Tuiswp, here: Path
) -> None:
    (here / "sweep.yaml").write_text(
        "method: grid\nmetric: {name: loss, goal: minimize}\nparameters: {lr: {values: [1, 2]}}\n"
        'command: [sh, "${args}"]\n'
        'tuiswp: {notify: {command: [no-such-thing, "${message}"], events: [failed]}}\n'
    )
    said = tuiswp("check", "sweep.yaml")
    assert said.code == 0
    assert "on failed: no-such-thing '${message}' and the screen rings" in said.out
    assert "notify: no-such-thing is no program that is found" in said.out


def test_doctor_in_a_directory_that_was_removed_says_so(
    tuiswp: Tuiswp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    said = tuiswp("doctor")
    assert said.code == 1
    assert "the current directory is gone" in said.out


def test_doctor_waits_for_all_that_hangs_at_the_same_time(
    tuiswp: Tuiswp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits is begun before anything is waited for, and a check that fails is a finding."""
    everybody = threading.Barrier(2, timeout=30)

    def one() -> Iterator[doctor.Finding]:
        everybody.wait()
        yield doctor.Finding("one", "ok", "met the other")

    def two() -> Iterator[doctor.Finding]:
        yield from one()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(doctor, "CHECKS", (one, two))
    monkeypatch.setattr(doctor, "WAITING", {one, two})
    said = tuiswp("doctor")
    assert said.code == 1
    assert "met the other" in said.out
    assert "two  cannot be looked at: Input/output error" in said.out
