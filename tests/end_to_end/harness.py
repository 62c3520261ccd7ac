"""Real sweeps for tests: a cheap trial script, a real controller process, real tmux.

The tmux socket and the runtime directory are private to the test session (tests/conftest.py).
"""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tuiswp.controller.journal import read
from tuiswp.controller.reducer import SweepState, replay

# Every launch leaves a line of its own, and every 50 ms a heartbeat: what really ran, told by
# what ran and by nobody else.
TRIAL = """\
echo "$TUISWP_ATTEMPT $$" >> "$TUISWP_TRIAL_DIR/launches"
value=${1#--x=}
steps=${STEPS:-8}
step=0
while [ "$step" -lt "$steps" ]; do
  step=$((step + 1))
  date +%s.%N >> "$TUISWP_TRIAL_DIR/heartbeat"
  echo "{\\"step\\": $step, \\"loss\\": $value.$step}" >> "$TUISWP_TRIAL_DIR/metrics.jsonl"
  sleep 0.05
done
"""

SWEEP = """\
name: {name}
program: trial.sh
method: grid
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{values: [{values}]}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp: {{max_parallel: {parallel}, env: {{STEPS: "{steps}"}}, grace_s: 2}}
"""


def write_sweep(
    folder: Path, *, trials: int, parallel: int = 2, steps: int = 8, script: str = TRIAL
) -> Path:
    """A sweep file with `trials` grid points and its script; returns the file."""
    (folder / "trial.sh").write_text(script)
    path = folder / "sweep.yaml"
    values = ", ".join(str(value) for value in range(1, trials + 1))
    path.write_text(SWEEP.format(name="test sweep", values=values, parallel=parallel, steps=steps))
    return path


def tuiswp(
    *arguments: str | Path, cwd: Path, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person would, and wait for it."""
    return subprocess.run(
        [sys.executable, "-m", "tuiswp.cli.main", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def running(*arguments: str | Path, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours that is gone when the block ends, however it ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tuiswp.cli.main", *map(str, arguments)],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def state_of(directory: Path) -> SweepState:
    return replay(read(directory / "journal.jsonl").records)


def wait_for(condition: Callable[[], bool], *, timeout: float = 60, what: str = "") -> None:
    """Poll for an outcome; fails with `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, what or "it did not happen in time"
        time.sleep(0.02)


def launches(directory: Path) -> dict[str, list[str]]:
    """What the trials themselves wrote: attempts that really ran, by trial."""
    return {
        trial.name: (trial / "launches").read_text().split()[::2]
        for trial in sorted((directory / "trials").glob("*"))  # none before the first launch
        if (trial / "launches").exists()
    }


def widest_gap(heartbeat: Path) -> float:
    """Longest silence of a trial in seconds."""
    beats = [float(line) for line in heartbeat.read_text().split()]
    return max((b - a for a, b in itertools.pairwise(beats)), default=0.0)


def kill_trials_of(directory: Path) -> None:
    """End what a test may have left, by the pids the attempts themselves recorded."""
    import msgspec

    from tuiswp import proc
    from tuiswp.launchers.base import StartRecord

    for path in directory.glob("trials/*/attempts/*/start.json"):
        try:
            start = msgspec.json.decode(path.read_bytes(), type=StartRecord)
        except (OSError, msgspec.DecodeError):
            continue
        for process in (start.supervisor, start.training):
            proc.send(process, signal.SIGKILL)


def environment_is_private() -> bool:
    return bool(os.environ.get("TUISWP_TMUX_SOCKET") and os.environ.get("TUISWP_RUNTIME_DIR"))
