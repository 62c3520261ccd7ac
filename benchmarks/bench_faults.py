"""What a GPU that fails every trial at once costs a sweep, through real controller and tmux."""

import time

from benchmarks.rows import Row, at_least, at_most, exactly, noted
from benchmarks.world import private_world
from tests.faults import black_hole

TRIALS = 40


def main() -> list[Row]:
    """Forty trials on a good GPU and a black hole; the good one fast as well, and slower."""
    rows: list[Row] = []
    for good_s in (0.0, 0.5):
        with private_world() as place:
            started = time.monotonic()
            came = black_hole.run(place, trials=TRIALS, good_s=good_s)
            seconds = time.monotonic() - started
        what = f"black-hole GPU beside a good one ({good_s:g} s a trial), {TRIALS} trials"
        rows += [
            at_least(f"{what}: done without help", came.done, 36, "", places=0),
            at_most(f"{what}: failures charged", came.charged, 6, "", places=0),
            exactly(f"{what}: quarantined", " ".join(came.quarantined), "G1"),
            noted("  attempts it ate, all taken back", str(came.on_bad)),
            noted("  in all", f"{seconds:.1f} s"),
        ]
    return rows
