"""A real sweep with a secret, looked for in every process, in tmux, in every file and answer."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.harness import state_of, tuiswp, wait_for, write_sweep
from tests.end_to_end.test_hostile import piped
from tuiswp import proc
from tuiswp.controller.client import SweepReader
from tuiswp.controller.opening import place_for
from tuiswp.model.trial import Running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

KEY = "canary-5f3a9c01d7"
# Says it, so that everything we quote is in danger; the third ends badly, with it in its last line.
SCRIPT = """\
[ "$HF_TOKEN" = canary-5f3a9c01d7 ] || exit 9
while [ ! -e go ]; do sleep 0.05; done
echo "{\\"step\\": 1, \\"loss\\": ${1#--x=}}" >> "$TUISWP_METRICS"
echo "401 for https://me:$HF_TOKEN@example.org"
[ "$1" != --x=3 ] || exit 3
"""


def holding() -> dict[int, bool]:
    """Every process with the key in environment or arguments, and whether it is a training's."""
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal():
            try:
                said = Path(entry.path, "environ").read_bytes()
                said += Path(entry.path, "cmdline").read_bytes()
            except OSError:
                continue
            if KEY.encode() in said:
                found[int(entry.name)] = proc.TOKEN_VARIABLE.encode() in said
    return found


def start(directory: Path, cwd: Path, environ: dict[str, str]) -> None:
    """A controller in the background, as the screen starts one."""
    code = (
        "import sys; from pathlib import Path\n"
        "from tuiswp.controller.directory import SweepDirectory\n"
        "from tuiswp.controller.opening import open_or_create, start_in_background\n"
        "place = SweepDirectory(Path(sys.argv[1]))\n"
        "if not place.exists(): place, _, _ = open_or_create(Path('sweep.yaml'))\n"
        "start_in_background(place)\n"
    )
    argv = [sys.executable, "-c", code, str(directory)]
    subprocess.run(argv, cwd=cwd, env=environ, check=True, timeout=60)


def test_a_secret_reaches_the_trainings_and_is_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmux_socket: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source = write_sweep(tmp_path, trials=4, script=SCRIPT)
    text = source.read_text().replace("tuiswp: {", "tuiswp: {env_from: {HF_TOKEN: MY_HF}, ")
    source.write_text(text)
    # A person has it in a file that git tracks as well.
    for words in (
        ("init", "-q"),
        ("add", "."),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"),
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    (tmp_path / "trial.sh").write_text(f"# {KEY}\n{SCRIPT}")
    refused = tuiswp("--batch", source, cwd=tmp_path)
    assert refused.returncode == 2
    assert "sweep.yaml:8: tuiswp.env_from: MY_HF is not set in this shell" in refused.stderr
    assert not (tmp_path / "sweeps").exists()

    directory = place_for(source, name=None, directory=None).root
    start(directory, tmp_path, {**os.environ, "MY_HF": KEY})
    controller = state_of(directory).controller
    assert controller is not None
    wait_for(lambda: len(running(directory)) == 2, what="two trials did not start")
    trainings = {status.training.pid for status in running(directory)}
    wait_for(lambda: trainings <= holding().keys(), what="the trainings were not given it")
    assert [pid for pid, is_training in holding().items() if not is_training] == [controller.pid]
    asked = ["tmux", "-L", tmux_socket, "show-environment", "-g"]
    environment = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert KEY not in environment and "MY_HF" not in environment

    # The next controller does not know it: it watches, quotes nothing of it, and starts nothing.
    proc.send(controller, signal.SIGKILL)
    wait_for(lambda: not proc.is_alive(controller))
    start(directory, tmp_path, dict(os.environ))
    wait_for(lambda: state_of(directory).paused is not None, what="it did not wait")
    (tmp_path / "go").touch()
    wait_for(lambda: not running(directory), what="what ran was not watched to its end")
    status = tuiswp("status", directory, cwd=tmp_path)
    assert "MY_HF is not set where the controller was started, on " in status.stdout
    assert f"export it and type `tuiswp resume {directory.name}` there" in status.stdout
    still = tuiswp("resume", directory, cwd=tmp_path)
    assert (still.returncode, "MY_HF is not set" in still.stdout) == (2, True)

    # A shell that has it resumes the sweep with a controller that has it.
    monkeypatch.setenv("MY_HF", KEY)
    resumed = tuiswp("resume", directory, cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "a controller with this shell's variables took over (pid " in resumed.stdout
    wait_for(lambda: state_of(directory).finished is not None, what="it did not go on")
    state = state_of(directory)
    assert [trial.state for trial in state.trials.values()].count("done") == 3
    [failed] = [trial for trial in state.trials.values() if trial.state == "failed"]
    assert failed.attempts[-1].evidence == "exit 3: 401 for https://me:‹HF_TOKEN›@example.org"
    assert {len(trial.attempts) for trial in state.trials.values()} == {1}

    place = str(directory)
    answers = piped(
        ["check", "--json", place], ["status", "--json", place], ["results", "--json", place],
        ["explain", place], ["explain", place, "2"], ["check", place], ["report", place],
        ["verify", place], cwd=tmp_path,
    )  # fmt: skip
    assert not [said for said in answers if KEY.encode() in said]
    assert json.loads(answers[0])["env_from"] == [
        {"name": "HF_TOKEN", "from": "MY_HF", "set": True}
    ]
    places = [directory, Path(os.environ["TUISWP_RUNTIME_DIR"])]
    kept = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert len(kept) > 30
    assert "‹HF_TOKEN›" in (directory / "provenance.diff").read_text()
    assert {p.name for p in kept if KEY.encode() in p.read_bytes()} == {"output.log"}


def running(directory: Path) -> list[Running]:
    trials = SweepReader(directory).refresh(with_metrics=False).trials
    return [trial.status for trial in trials if isinstance(trial.status, Running)]
