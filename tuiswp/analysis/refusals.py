"""Scripts that refuse their command line: what the last line of a failed trial says about it.

It reads the evidence an attempt ended with, and knows the words of argparse and Hydra only.
"""

import re
from collections.abc import Sequence

from tuiswp.analysis.findings import Diagnosis
from tuiswp.analysis.optimum import name_trials
from tuiswp.model.trial import Ended, Trial
from tuiswp.text import visible

_FLAG = re.compile(r"argument (\S{1,80}): ignored explicit argument")
_UNKNOWN = re.compile(r"unrecognized arguments: (.{1,200})", re.DOTALL)
_APPEND = re.compile(r"(?:Could not override '([^']{1,80})'|To append to your config use)")


def refused_arguments(trials: Sequence[Trial]) -> list[Diagnosis]:
    """`refused-arguments`: one finding for each way in which scripts turned arguments down."""
    ways: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        if isinstance(trial.status, Ended) and trial.status.state == "failed":
            way = _way(trial.status.evidence)
            if way is not None:
                ways.setdefault(way, []).append(trial)
    return [
        Diagnosis("refused-arguments", "error", f"{name_trials(refused)} failed: {what}.", hint)
        for (what, hint), refused in ways.items()
    ]


def _way(evidence: str) -> tuple[str, str] | None:
    if (found := _FLAG.search(evidence)) is not None:
        return (
            f"to the script {visible(found[1])} is a switch that takes no value (store_true)",
            "Put ${args_no_boolean_flags} for ${args} in `command`, or let the script read "
            "`True` and `False`.",
        )
    if (found := _UNKNOWN.search(evidence)) is not None:
        name = visible(found[1].strip().split(" ")[0].split("=")[0], limit=60)
        return (
            f"the script does not know {name}",
            "Add the option to the script, or write ${args_no_hyphens} in `command` where it "
            "takes `name=value` (Hydra, chz).",
        )
    if _APPEND.search(evidence) is not None:
        return (
            "Hydra does not know a swept name in its configuration",
            "Write ${args_append_hydra} for the args macro in `command`, or correct the name.",
        )
    return None
