"""Any history of reports, deaths and controllers that die: the same trials are stopped, by the same
evidence, and what is on disk replays to the state there was. For every rule."""

import json
import random
from pathlib import Path

import pytest

from tests.controller.bench import FILE, Bench
from tuiswp.controller.journal import read
from tuiswp.controller.reducer import replay
from tuiswp.model.events import KillPointJudged, KillRequested
from tuiswp.model.stopper import Rule
from tuiswp.spec.early import rule_of

pytestmark = pytest.mark.slow  # long histories

LENGTH = 8  # rows of a whole run
RULES = {
    "hyperband": "hyperband:min_iter=1,eta=2",
    "relaxed": "{type: hyperband, min_iter: 2, eta: 3, strict: false, resource: step}",
    "asha": "asha:min_resource=1,eta=2",
    "median": "median:startup=1,warmup=1",
    "percentile": "percentile:percentile=25,startup=1,warmup=0",
    "schedule": "{type: schedule, bounds: {0.2: 10%, 0.6: 1%}}",
    "patience": "patience:patience=2,min_delta=0.1",
    "wilcoxon": "wilcoxon:startup=2,p_threshold=0.3",
}
TRIALS = 7
MOVES = 70
SEEDS = 2
Decision = tuple[object, ...]


class Run:
    """One sweep; who is stopped decides who runs next, so one difference shows ever after."""

    def __init__(self, folder: Path, rule: str, curves: list[list[float]]) -> None:
        folder.mkdir()
        values = ", ".join(map(str, range(1, TRIALS + 1)))
        file = FILE.replace("[1, 2, 3, 4]", f"[{values}]").replace(
            "max_parallel: 2", "max_parallel: 3"
        )
        self.bench = Bench(folder, f"early_stop: {text_of(rule)}, retries: 0", file=file)
        self.curves = curves
        self.bench.step()

    def move(self, who: int, what: str, *, crashes: bool) -> None:
        bench = self.bench
        live = bench.controller.core.state.live()
        if what == "crash":
            if crashes:
                bench.crash()
                bench.step()
            return
        if not live:
            return
        number = live[who % len(live)].number
        if what == "die":
            bench.finish(number, code=1)
            return
        path = bench.place.metrics(number)
        row = len(path.read_text().splitlines()) if path.exists() else 0
        entry = {"step": row + 1, "progress": (row + 1) / LENGTH, "loss": self.curves[number][row]}
        with path.open("a") as out:
            out.write(json.dumps(entry) + "\n")
        bench.step()
        if row + 1 == LENGTH and bench.trials()[number].state == "running":
            bench.finish(number)

    def decisions(self) -> list[Decision]:
        records = read(self.bench.place.journal).records
        found: list[Decision] = []
        for event in (record.event for record in records):
            if isinstance(event, KillPointJudged):
                found.append((event.trial, event.attempt, event.judged))
            elif isinstance(event, KillRequested):
                found.append((event.trial, event.attempt, event.request.becomes, event.request.why))
        return found


def text_of(rule: str) -> str:
    """A rule as a sweep file writes it, from how a person types it."""
    if rule.startswith("{"):
        return rule
    kind, _, rest = rule.partition(":")
    return (
        "{"
        + ", ".join([f"type: {kind}", *(one.replace("=", ": ") for one in rest.split(","))])
        + "}"
    )


@pytest.fixture(autouse=True)
def _no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUISWP_GPUS", "none")
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.chdir(tmp_path)


def test_every_rule_there_is_takes_part() -> None:
    kinds = {type(rule_of(text)) for text in RULES.values()}
    assert kinds == set(Rule.__args__)


@pytest.mark.parametrize("rule", RULES)
def test_a_controller_that_dies_changes_no_decision(rule: str, tmp_path: Path) -> None:
    stopped = 0
    for seed in range(SEEDS):
        draw = random.Random(f"{rule} {seed}")
        curves = [[float(draw.randint(1, 9)) for _ in range(LENGTH)] for _ in range(TRIALS)]
        # Who moves next (one of those that run), and what: a row, the training's crash, or the
        # controller's.
        kinds = draw.choices(("row", "die", "crash"), weights=(16, 1, 4), k=MOVES)
        whole = Run(tmp_path / f"whole{seed}", RULES[rule], curves)
        other = Run(tmp_path / f"other{seed}", RULES[rule], curves)
        for what in kinds:
            who = draw.randrange(6)
            whole.move(who, what, crashes=False)
            other.move(who, what, crashes=True)
        assert other.decisions() == whole.decisions()
        for one in (whole, other):
            state = one.bench.controller.core.state
            assert replay(read(one.bench.place.journal).records) == state
            one.bench.controller.close()
        stopped += sum(trial.state == "pruned" for trial in whole.bench.trials())
    assert stopped  # else the histories say nothing of this rule
