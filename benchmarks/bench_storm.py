"""Trust: ten minutes of killing whatever is ours, judged by what the trainings wrote themselves.

STORM_S and STORM_SEED set its length in seconds and its dice; the seed is among the rows.
"""

import os
import time

from benchmarks.rows import Row, exactly, noted
from benchmarks.world import private_world
from tests.faults.storm.storm import Report, rage


def main() -> list[Row]:
    """What was killed how often, and what of the promises was broken."""
    seconds = float(os.environ.get("STORM_S", "600"))
    seed = int(os.environ.get("STORM_SEED", time.time_ns() % 2**32))
    os.environ["TUISWP_GPUS"] = "sim:6x80"
    with private_world() as place:
        return rows(rage(place, seconds, seed))


def rows(report: Report) -> list[Row]:
    lost = sum("lost" in one for one in report.broken)
    twice = sum("launched" in one or "at once" in one for one in report.broken)
    silent = report.worst_gap_of_machine
    return [
        exactly(f"promises broken by a storm of {report.seconds:.0f} s", len(report.broken), 0),
        exactly(f"  acknowledged facts lost, of {report.facts}", lost, 0),
        exactly(f"  double launches, of {report.launches}", twice, 0),
        exactly("  silences of a training over 1 s that are ours", report.gaps_of_ours, 0),
        noted("  longest silence of any training", f"{report.worst_gap:.2f} s"),
        noted("  longest silence of a process that is nobody's", f"{silent:.2f} s"),
        *(noted(f"  {name}", str(count)) for name, count in sorted(report.blows.items())),
        *(noted(f"  ended: {name}", str(count)) for name, count in sorted(report.ends.items())),
        noted("  seed", str(report.seed)),
        *(noted("  broken", one) for one in report.broken),
    ]
