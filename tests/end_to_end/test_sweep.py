"""Whole sweeps over real tmux: what a person types, what dies on the way, what is left."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.harness import (
    kill_trials_of,
    launches,
    running,
    state_of,
    tuiswp,
    wait_for,
    widest_gap,
    write_sweep,
)
from tuiswp import proc
from tuiswp.controller.opening import place_for
from tuiswp.gpu.leases import LeaseBook
from tuiswp.model.trial import Running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sweep_of(source: Path) -> Path:
    return place_for(source, name=None, directory=None).root


def done(directory: Path) -> int:
    return sum(1 for trial in state_of(directory).trials.values() if trial.state == "done")


def some_run(directory: Path) -> bool:
    trials = state_of(directory).trials.values() if directory.exists() else ()
    return any(isinstance(trial.status, Running) for trial in trials)


@pytest.mark.usefixtures("tmux_version")
@pytest.mark.other_tmux
def test_one_command_gives_the_optimum(folder: Path) -> None:
    source = write_sweep(folder, trials=4)
    run = tuiswp("--batch", source, cwd=folder)
    assert run.returncode == 0, run.stdout + run.stderr
    directory = sweep_of(source)
    results = json.loads(tuiswp("results", "--json", directory, cwd=folder).stdout)
    assert results["optimum"]["params"] == {"x": 1}
    assert results["optimum"]["value"] == pytest.approx(1.8)
    assert json.loads((directory / "best.json").read_text())["x"] == 1
    assert launches(directory) == {f"t{n:04d}": ["1"] for n in range(4)}
    status = json.loads(tuiswp("status", "--json", directory, cwd=folder).stdout)
    assert status["counts"]["done"] == 4
    assert status["state"] == "finished"


def test_a_finished_sweep_is_shown_and_not_run_again(folder: Path) -> None:
    source = write_sweep(folder, trials=2)
    assert tuiswp("--batch", source, cwd=folder).returncode == 0
    before = (sweep_of(source) / "trials" / "t0000" / "launches").read_text()
    assert tuiswp("--batch", source, cwd=folder).returncode == 0
    assert (sweep_of(source) / "trials" / "t0000" / "launches").read_text() == before


def test_interrupting_batch_leaves_the_trials_and_a_second_run_finishes(folder: Path) -> None:
    source = write_sweep(folder, trials=4, steps=20)
    directory = sweep_of(source)
    with running("--batch", source, cwd=folder) as batch:
        wait_for(lambda: some_run(directory), what="no trial started")
        batch.send_signal(signal.SIGINT)
        assert batch.wait(10) == 130
    live = [t for t in state_of(directory).trials.values() if isinstance(t.status, Running)]
    assert live
    assert all(proc.is_alive(t.status.training) for t in live if isinstance(t.status, Running))
    run = tuiswp("--batch", source, cwd=folder)
    assert run.returncode == 0, run.stdout + run.stderr
    assert launches(directory) == {f"t{n:04d}": ["1"] for n in range(4)}


def test_a_second_controller_is_refused(folder: Path) -> None:
    source = write_sweep(folder, trials=2, steps=4000)
    directory = sweep_of(source)
    with running("--batch", source, cwd=folder):
        wait_for(lambda: some_run(directory), what="no trial started")
        second = tuiswp("--batch", source, cwd=folder)
        assert second.returncode == 5
        assert "another controller holds this sweep" in second.stderr
    kill_trials_of(directory)


def test_a_frozen_controller_misses_nothing(folder: Path) -> None:
    source = write_sweep(folder, trials=3, parallel=3, steps=10)
    directory = sweep_of(source)
    with running("--batch", source, cwd=folder) as batch:
        wait_for(lambda: some_run(directory), what="no trial started")
        batch.send_signal(signal.SIGSTOP)
        exits = directory / "trials"
        wait_for(lambda: len(list(exits.glob("*/attempts/1/exit.json"))) == 3)
        batch.send_signal(signal.SIGCONT)
        assert batch.wait(20) == 0
    assert done(directory) == 3


@pytest.mark.usefixtures("tmux_version")
@pytest.mark.other_tmux
def test_the_death_of_the_tmux_server_ends_no_trial_and_no_sweep(folder: Path) -> None:
    source = write_sweep(folder, trials=4, steps=20)
    directory = sweep_of(source)
    with running("--batch", source, cwd=folder) as batch:
        wait_for(lambda: some_run(directory), what="no trial started")
        subprocess.run(["tmux", "-L", os.environ["TUISWP_TMUX_SOCKET"], "kill-server"], check=True)
        assert batch.wait(60) == 0
    # A launch that was under way may have died with the server: tried again, as its second attempt.
    assert [len(ran) for ran in launches(directory).values()] == [1] * 4
    assert max(map(widest_gap, directory.glob("trials/*/heartbeat"))) < 1.0


def test_a_killed_supervisor_does_not_end_its_training(folder: Path) -> None:
    source = write_sweep(folder, trials=1, steps=40)
    directory = sweep_of(source)
    with running("--batch", source, cwd=folder) as batch:
        wait_for(lambda: some_run(directory), what="no trial started")
        [trial] = state_of(directory).trials.values()
        assert isinstance(trial.status, Running)
        proc.send(trial.status.supervisor, signal.SIGKILL)
        heartbeat = directory / "trials" / "t0000" / "heartbeat"
        wait_for(
            lambda: heartbeat.exists() and len(heartbeat.read_text().split()) == 40,
            what="the training died",
        )
        wait_for(lambda: state_of(directory).trials[0].attempts[0].cause == "unknown")
        batch.send_signal(signal.SIGINT)
        batch.wait(10)
    assert widest_gap(heartbeat) < 1.0


def test_kill_works_while_no_controller_runs(folder: Path) -> None:
    source = write_sweep(folder, trials=2, steps=200)
    directory = sweep_of(source)
    with running("--batch", source, cwd=folder) as batch:
        wait_for(lambda: len(launches(directory)) == 2 if directory.exists() else False)
        batch.kill()
        batch.wait(10)
    run = tuiswp("kill", directory, "0", "t0001", cwd=folder)
    assert run.returncode == 0, run.stderr
    states = [(t.state, t.cause) for t in state_of(directory).trials.values()]
    assert states == [("killed", "killed-by-user")] * 2
    assert not (
        proc.with_tokens().keys()
        & {attempt.token for t in state_of(directory).trials.values() for attempt in t.attempts}
    )


def test_a_copy_of_a_running_sweep_has_no_say_over_its_trials(folder: Path) -> None:
    source = write_sweep(folder, trials=1, steps=400)
    directory = sweep_of(source)
    with running("--batch", source, cwd=folder) as batch:
        wait_for(lambda: len(launches(directory)) == 1 if directory.exists() else False)
        wait_for(lambda: isinstance(state_of(directory).trials[0].status, Running))
        batch.kill()
        batch.wait(10)
    copy = folder / "copy"
    shutil.copytree(directory, copy)
    for words in (("kill", copy, "0"), ("--batch", copy)):
        refused = tuiswp(*words, cwd=folder)
        assert (refused.returncode, "of which this is a copy" in refused.stderr) == (5, True)
    [trial] = state_of(directory).trials.values()
    assert isinstance(trial.status, Running) and proc.is_alive(trial.status.training)
    assert tuiswp("kill", directory, "0", cwd=folder).returncode == 0
    assert tuiswp("kill", copy, "0", cwd=folder).returncode == 0
    assert state_of(copy).trials[0].state == "killed"


def test_requests_reach_a_running_controller(folder: Path) -> None:
    source = write_sweep(folder, trials=3, parallel=1, steps=60)
    directory = sweep_of(source)
    with running("--batch", source, cwd=folder) as batch:
        wait_for(lambda: some_run(directory), what="no trial started")
        assert tuiswp("pause", directory, "0", cwd=folder).returncode == 0
        wait_for(lambda: state_of(directory).trials[0].state == "paused")
        wait_for(lambda: state_of(directory).trials[1].state == "running")
        assert tuiswp("kill", directory, "1", cwd=folder).returncode == 0
        assert tuiswp("resume", directory, "0", cwd=folder).returncode == 0
        stopped = tuiswp("stop", "--now", directory, cwd=folder)
        assert stopped.returncode == 0, stopped.stderr
        batch.wait(30)
    states = {t.state for t in state_of(directory).trials.values()}
    assert "running" not in states
    assert state_of(directory).finished == "stopped"


HOSTILE = [
    "a;", ";", "x; touch pwned", "$(touch pwned)", "`touch pwned`", "#(touch pwned)",
    "#{pane_pid}", "'quote\" ", "line\nbreak", "--flag=-x", "-rf", "%H %if", "\\", "~", "*",
    "naïve ☃ \u202e", "x" * 20_000,
]  # fmt: skip


@pytest.mark.usefixtures("tmux_version")
def test_hostile_values_reach_the_training_byte_for_byte_and_nothing_else(folder: Path) -> None:
    (folder / "trial.sh").write_text(
        'printf %s "$1" > "$TUISWP_TRIAL_DIR/got"\n'
        'echo \'{"step": 1, "#(touch pwned)": 1}\' > "$TUISWP_TRIAL_DIR/metrics.jsonl"\n'
    )
    source = folder / "sweep.json"
    source.write_text(
        json.dumps(
            {
                "name": "#(touch pwned); $(touch pwned)",
                "method": "grid",
                "metric": {"name": "#(touch pwned)"},
                "parameters": {"a;#(touch pwned)": {"values": HOSTILE}},
                "command": ["sh", "trial.sh", "${args}"],
                "tuiswp": {"max_parallel": 4},
            }
        )
    )
    run = tuiswp("--batch", source, cwd=folder)
    assert run.returncode == 0, run.stdout + run.stderr
    directory = sweep_of(source)
    got = [(directory / "trials" / f"t{n:04d}" / "got").read_bytes() for n in range(len(HOSTILE))]
    assert got == [f"--a;#(touch pwned)={value}".encode() for value in HOSTILE]
    assert not [path for path in folder.rglob("*") if "pwned" in path.name and path.is_file()]
    assert "\x1b" not in run.stdout
    assert "\u202e" not in run.stdout


@pytest.mark.usefixtures("tmux_version")
def test_a_sweep_in_a_directory_with_a_hostile_name_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = folder / "it's #(touch pwned); $(touch pwned) 100%"
    place.mkdir()
    monkeypatch.chdir(place)
    source = write_sweep(place, trials=2)
    run = tuiswp("--batch", source, cwd=place)
    assert run.returncode == 0, run.stdout + run.stderr
    assert not list(folder.rglob("pwned"))


def test_without_tmux_nothing_starts_and_status_still_answers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_sweep(folder, trials=2)
    assert tuiswp("--batch", source, cwd=folder).returncode == 0
    other = folder / "other"
    other.mkdir()
    bare = folder / "bin"
    bare.mkdir()
    for tool in ("sh", "python", "date", "sleep"):
        found = shutil.which(tool)
        if found:
            (bare / tool).symlink_to(found)
    monkeypatch.setenv("PATH", str(bare))
    run = tuiswp("--batch", write_sweep(other, trials=2), "--name", "b", cwd=other)
    assert run.returncode == 1
    assert "tmux is not installed" in run.stderr
    assert "Traceback" not in run.stderr
    began = time.monotonic()
    assert tuiswp("status", sweep_of(source), cwd=folder).returncode == 0
    assert time.monotonic() - began < 4


def test_trials_that_die_in_every_way_have_each_their_cause(folder: Path) -> None:
    (folder / "trial.sh").write_text(
        """\
echo '{"step": 1, "loss": 1}' > "$TUISWP_TRIAL_DIR/metrics.jsonl"
case $1 in
  --how=fine) exit 0;;
  --how=code) echo 'ValueError: no' ; exit 3;;
  --how=segv) kill -SEGV $$;;
  --how=stray) (setsid sleep 300 &) ; exit 0;;
  --how=oom) echo 'torch.OutOfMemoryError: CUDA out of memory.' ; exit 1;;
esac
"""
    )
    source = folder / "sweep.yaml"
    source.write_text(
        "name: ends\nmethod: grid\nmetric: {name: loss}\n"
        "parameters: {how: {values: [fine, code, segv, stray, oom]}}\n"
        "command: [sh, trial.sh, '${args}']\ntuiswp: {retries: 0}\n"
    )
    run = tuiswp("--batch", source, cwd=folder)
    assert run.returncode == 3, run.stdout + run.stderr
    ends = [(t.state, t.cause) for t in state_of(sweep_of(source)).trials.values()]
    assert ends == [
        ("done", "done"),
        ("failed", "exit-code"),
        ("failed", "signal"),
        ("done", "done"),
        ("failed", "gpu-oom"),
    ]
    tokens = {a.token for t in state_of(sweep_of(source)).trials.values() for a in t.attempts}
    assert not tokens & proc.with_tokens().keys()


def test_simulated_gpus_pin_each_trial_to_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "sim:2x80")
    (folder / "trial.sh").write_text(
        'echo "$CUDA_VISIBLE_DEVICES" > "$TUISWP_TRIAL_DIR/gpu"; sleep 0.3\n'
        'echo \'{"step": 1, "loss": 1}\' > "$TUISWP_TRIAL_DIR/metrics.jsonl"\n'
    )
    source = folder / "sweep.yaml"
    source.write_text(
        "name: gpus\nmethod: grid\nmetric: {name: loss}\n"
        "parameters: {x: {values: [1, 2, 3, 4]}}\ncommand: [sh, trial.sh]\n"
    )
    run = tuiswp("--batch", source, cwd=folder)
    assert run.returncode == 0, run.stdout + run.stderr
    directory = sweep_of(source)
    used = [(directory / "trials" / f"t{n:04d}" / "gpu").read_text().strip() for n in range(4)]
    assert len(set(used)) == 2
    assert all(uuid.startswith("SIM-") for uuid in used)
    # The last supervisor may outlive its controller by a moment, and its lease is live until then.
    book = LeaseBook(Path(os.environ["TUISWP_RUNTIME_DIR"]) / "leases")
    wait_for(lambda: not book.held(), what="a GPU is still held")


def test_no_secret_of_the_environment_is_in_what_a_sweep_keeps(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "canary-5f3a9c01")
    source = write_sweep(folder, trials=1)
    assert tuiswp("--batch", source, cwd=folder).returncode == 0
    holding = [
        path.name
        for path in sweep_of(source).rglob("*")
        if path.is_file() and b"canary-5f3a9c01" in path.read_bytes()
    ]
    # spec.json (0600) carries the training's environment to its supervisor while it is needed.
    assert holding == []


OUT_OF_MEMORY = """\
echo "$TUISWP_ATTEMPT $$" >> "$TUISWP_TRIAL_DIR/launches"
echo 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has' >&2
exit 1
"""


def test_a_trial_that_runs_out_of_gpu_memory_says_what_to_change_and_is_not_tried_again(
    folder: Path,
) -> None:
    source = write_sweep(folder, trials=1, script=OUT_OF_MEMORY)
    text = source.read_text().replace("  x: {", "  batch_size: {value: 8}\n  x: {")
    source.write_text(text.replace("tuiswp: {", "tuiswp: {retries: 2, "))
    assert tuiswp("--batch", source, cwd=folder).returncode == 4
    directory = sweep_of(source)
    status = json.loads(tuiswp("status", "--json", directory, cwd=folder).stdout)
    assert [trial["cause"] for trial in status["trials"]] == ["gpu-oom"]
    assert launches(directory) == {"t0000": ["1"]}
    told = tuiswp("explain", directory, "t0", cwd=folder).stdout
    assert "CUDA out of memory. Tried to allocate 20.00 GiB" in told
    assert "clone it with batch_size=4" in told


def test_what_a_range_test_suggests_is_tried_first_and_its_curve_is_in_the_report(
    folder: Path,
) -> None:
    curve = {"rates": [1, 2, 3], "losses": [3, 2, 1], "smoothed": [3, 2, 1]}
    (folder / "tested").mkdir()
    (folder / "tested" / "lr_finder.json").write_text(
        json.dumps({"suggestion": 4, "parameter": "x", **curve})
    )
    source = write_sweep(folder, trials=5)
    text = source.read_text()
    source.write_text(text.replace("tuiswp: {", "tuiswp: {points_from: tested, "))
    checked = tuiswp("check", source, cwd=folder)
    assert "range test of x: the loss falls fastest at 4; tried first: 4" in checked.stdout
    run = tuiswp("--batch", source, cwd=folder)
    assert run.returncode == 0, run.stdout + run.stderr
    directory = sweep_of(source)
    shutil.rmtree(folder / "tested")
    state = state_of(directory)
    [first] = [trial for trial in state.trials.values() if trial.wish is not None]
    assert first.params == {"x": 4}
    assert len(state.trials) == 5  # the grid does not run it again
    page = Path(tuiswp("report", directory, cwd=folder).stdout.split()[0]).read_text()
    assert "Learning-rate range test" in page
