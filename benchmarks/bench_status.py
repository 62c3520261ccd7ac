"""How long a person waits for an answer in every state that a test can bring a machine into."""

import os
import tempfile
from pathlib import Path

from benchmarks.rows import Row, at_most, exactly, noted
from benchmarks.world import private_world
from tests.faults import world
from tests.faults.states import CODES, STATES, Answer, as_documented, ask, missing, placed

BAR_S = 2.0


def main() -> list[Row]:
    """Each command in each state, one by one: the slowest, and codes that are not documented.

    `status` is started as a person starts it, by an interpreter of its own; the others in a process
    that has loaded the program already, which spares each about the seconds that the first row has.
    """
    took: dict[str, list[tuple[Answer, str]]] = {command: [] for command in CODES}
    wrong: list[str] = []
    skipped: list[str] = []
    with private_world(), tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "ran"
        made.mkdir()
        ran = world.ran(made).root
        for number, state in enumerate(STATES):
            if missing(state) is not None:
                skipped.append(state.name)
                continue
            with placed(ran, Path(folder) / str(number), state) as place:
                for command in CODES:
                    answer = ask(command, state, place, anew=command.startswith("status"))
                    took[command].append((answer, state.name))
                    if not as_documented(command, state, answer):
                        wrong.append(f"{command} in {state.name}: {answer.code}")
    rows = [
        noted("status: as it is, nothing wrong", f"{took['status'][0][0].wall_s:.2f} s"),
        noted("status: states tried", str(len(STATES) - len(skipped))),
        noted("status: load of the machine afterwards", f"{os.getloadavg()[0]:.1f}"),
    ]
    if skipped:
        rows.append(noted("status: states left out", ", ".join(skipped)))
    rows.append(exactly("status: exit codes not documented", ", ".join(wrong) or 0, 0))
    return rows + [row for command, answers in took.items() for row in _rows(command, answers)]


def _rows(command: str, answers: list[tuple[Answer, str]]) -> list[Row]:
    """The slowest by the clock, and by what the processors did for it."""
    answer, name = max(answers, key=lambda one: one[0].wall_s)
    busy, where = max(answers, key=lambda one: one[0].cpu_s)
    told = f"status: slowest `{command}` ({name}, exit {answer.code})"
    cpu = f"status: most work for `{command}` ({where})"
    if command.startswith("status"):
        return [
            at_most(told, answer.wall_s, BAR_S, "s", places=2),
            at_most(cpu, busy.cpu_s, BAR_S, "s CPU", places=2),
        ]
    return [noted(told, f"{answer.wall_s:.2f} s"), noted(cpu, f"{busy.cpu_s:.2f} s CPU")]
