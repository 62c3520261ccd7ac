"""How long a person waits for an answer in every state that a test can bring a machine into."""

import tempfile
from pathlib import Path

from benchmarks.rows import Row, at_most, exactly, noted
from benchmarks.world import private_world
from tests.faults import world
from tests.faults.states import STATES, Answer, ask, missing, placed

BAR_S = 2.0
COMMANDS = ("status", "status --json", "results", "explain", "gpus", "doctor")


def main() -> list[Row]:
    """Each command in each state, by an interpreter of its own: the slowest, and wrong codes."""
    took: dict[str, list[tuple[float, str, Answer]]] = {command: [] for command in COMMANDS}
    wrong: list[str] = []
    skipped: list[str] = []
    with private_world(), tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "ran"
        made.mkdir()
        ran = world.ran(made).root
        for number, state in enumerate(STATES):
            # Nobody but root's interpreter starts where root's files are not to be read.
            if missing(state) is not None or state.name == "no right to read it":
                skipped.append(state.name)
                continue
            with placed(ran, Path(folder) / str(number), state) as place:
                for command in COMMANDS:
                    of = [] if command in ("gpus", "doctor") else [str(place.sweep)]
                    answer = ask((*command.split(), *of), state, place, anew=True)
                    took[command].append((answer.wall_s, state.name, answer))
                    if command.startswith("status") and answer.code not in state.codes:
                        wrong.append(f"{command} in {state.name}: {answer.code}")
    rows = [noted("status: states tried", str(len(STATES) - len(skipped)))]
    if skipped:
        rows.append(noted("status: states left out", ", ".join(skipped)))
    rows.append(exactly("status: wrong exit codes", ", ".join(wrong) or 0, 0))
    for command, answers in took.items():
        slowest, name, answer = max(answers, key=lambda one: one[0])
        told = f"status: slowest `{command}` ({name}, exit {answer.code})"
        bar = command.startswith("status")
        rows.append(
            at_most(told, slowest, BAR_S, "s", places=2) if bar else noted(told, f"{slowest:.2f} s")
        )
    return rows
