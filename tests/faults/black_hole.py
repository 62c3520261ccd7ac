"""A GPU that fails whatever runs on it, at once, beside one that works: a real sweep over both.

Told by what the trainings write themselves: `ran` has a line for each attempt and its GPU.
"""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from tuiswp.controller.journal import read
from tuiswp.controller.reducer import SweepState, replay

SCRIPT = """\
echo "$TUISWP_GPU $TUISWP_ATTEMPT" >> ran
if [ "$TUISWP_GPU" = G1 ]; then
  echo 'RuntimeError: CUDA error: unspecified launch failure'
  exit 1
fi
sleep "$GOOD_S"
echo '{"step": 1, "loss": 1.0}' >> "$TUISWP_TRIAL_DIR/metrics.jsonl"
"""


class Came(msgspec.Struct, frozen=True):
    """What came of the sweep. `charged`: failed trials, and retries that were used up."""

    code: int
    done: int
    charged: int
    on_bad: int
    quarantined: list[str]
    output: str
    directory: Path
    state: SweepState


def write(folder: Path, *, trials: int = 40, good_s: float = 0.0, more: str = "") -> Path:
    (folder / "train.sh").write_text(SCRIPT)
    source = folder / "hole.yaml"
    source.write_text(
        f"""\
name: hole
program: train.sh
method: grid
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{values: [{", ".join(map(str, range(trials)))}]}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp: {{env: {{GOOD_S: "{good_s:g}"}}{more}}}
"""
    )
    return source


def run(folder: Path, *, trials: int = 40, good_s: float = 0.0, more: str = "") -> Came:
    """Run it to its end, without a person."""
    source = write(folder, trials=trials, good_s=good_s, more=more)
    done = subprocess.run(
        [sys.executable, "-m", "tuiswp.cli.main", "--batch", source.name],
        cwd=folder,
        env={**os.environ, "TUISWP_GPUS": "sim:2x80"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    directory = folder / "sweeps" / "hole"
    state = replay(read(directory / "journal.jsonl").records)
    failed = sum(trial.state in ("failed", "lost") for trial in state.trials.values())
    return Came(
        code=done.returncode,
        done=sum(trial.state == "done" for trial in state.trials.values()),
        charged=failed + sum(trial.retries for trial in state.trials.values()),
        on_bad=sum(line.startswith("G1 ") for line in (folder / "ran").read_text().splitlines()),
        quarantined=[gpu.name for gpu in state.health.quarantined.values()],
        output=done.stdout + done.stderr,
        directory=directory,
        state=state,
    )
