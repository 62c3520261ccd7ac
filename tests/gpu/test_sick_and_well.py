"""A stand-in NVML walked through sick and well again under a controller at work.

At every step nothing new is started on what is sick, what runs there goes on, the commands answer
with a sentence, and once it is well again the GPU is used again, under the number it always had.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from tests.controller.bench import Bench
from tests.gpu.conftest import FakeNvml, until
from tuiswp.cli import gpus
from tuiswp.cli.main import main
from tuiswp.controller.journal import read
from tuiswp.gpu.inventory import GpuReading, Inventory
from tuiswp.gpu.probe import GpuWatch
from tuiswp.model.events import Warned
from tuiswp.model.trial import Trial

pytestmark = pytest.mark.slow  # children that ask a stand-in for NVML

FILE = """\
name: test
program: train.sh
method: grid
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{distribution: int_uniform, min: 0, max: 999}}
command: [sh, "${{program}}", "${{args}}"]
tuiswp: {{retries: 0, {more}}}
"""
WELL = ("count 3",)
TARGET = "GPU-00000000-0000-0000-0000-000000000001"
FELL = "NVRM: Xid (PCI:0000:02:00): 79, pid=1, name=x, GPU has fallen off the bus."
PATIENCE_S = 30


class Floor:
    """A controller on three GPUs, each with a trial that runs until it is told to end."""

    def __init__(self, folder: Path, nvml: FakeNvml, watching: Callable[..., GpuWatch]) -> None:
        self.nvml = nvml
        self.watches: list[GpuWatch] = []

        def watch() -> GpuWatch:
            self.watches.append(watching())
            return self.watches[-1]

        self.bench = Bench(folder, file=FILE, watch=watch)
        self.until(lambda: len(self.on()) == 3)

    @property
    def watch(self) -> GpuWatch:
        return self.watches[-1]

    def on(self) -> dict[str, Trial]:
        """The running trial of each GPU."""
        live = self.bench.controller.core.state.live()
        found = {trial.attempts[-1].leases[0].uuid: trial for trial in live}
        assert len(found) == len(live), "two trials on one GPU"
        return found

    def until(self, wanted: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not wanted():
            assert time.monotonic() < deadline, (self.watch.latest(), self.on())
            self.bench.step(1)
            time.sleep(0.01)

    def sees(self, wanted: Callable[[GpuReading], bool]) -> None:
        """Wait for a look at the target that is `wanted`, or at nothing at all."""

        def matches(found: Inventory) -> bool:
            gpu = found.gpu(TARGET)
            return gpu is not None and (found.problem is not None or wanted(gpu))

        until(self.watch, matches, PATIENCE_S)

    def finish(self, uuid: str, code: int = 0) -> None:
        trial = self.on()[uuid]
        self.bench.place.metrics(trial.number).write_text('{"step": 1, "loss": 1}\n')
        self.bench.launcher.finish(trial.attempts[-1].token, code)

    def rounds(self, count: int = 6) -> Iterator[None]:
        """Rounds of the controller, each with a newer look at the GPUs, where there are looks."""
        for _ in range(count):
            self.bench.step(1)
            yield
            time.sleep(0.06)

    def warnings(self) -> list[str]:
        records = read(self.bench.place.journal).records
        return [one.event.message for one in records if isinstance(one.event, Warned)]

    def sick_and_well(self, *lines: str, kernel: str = "", heal: Callable[[], object]) -> None:
        """The target falls ill while its trial runs, and gets well."""
        token, asked = self.on()[TARGET].attempts[-1].token, list(self.bench.launcher.asked)
        self.nvml.says(*(lines or WELL))
        if kernel:
            self.nvml.kernel(kernel)
        self.sees(lambda gpu: gpu.problem is not None or gpu.processes is None or _stranger(gpu))
        for _ in self.rounds(3):
            assert self.on()[TARGET].attempts[-1].token == token, "what runs goes on"
        assert self.bench.launcher.asked == asked
        assert {gpu.label for gpu in _latest(self.watch).gpus if gpu.uuid == TARGET} == {"G1"}
        self.finish(TARGET)
        for _ in self.rounds():
            assert TARGET not in self.on(), f"placed on a sick GPU: {self.watch.latest()}"
        heal()
        self.until(lambda: len(self.on()) == 3)
        assert {gpu.label for gpu in _latest(self.watch).gpus if gpu.uuid == TARGET} == {"G1"}


def _latest(watch: GpuWatch) -> Inventory:
    found = watch.latest()
    assert found is not None
    return found


def _stranger(gpu: GpuReading) -> bool:
    return bool(gpu.processes) or (gpu.memory_used_mib or 0) > 40_000


@pytest.fixture
def floor(
    nvml: FakeNvml,
    watching: Callable[..., GpuWatch],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Floor]:
    nvml.says(*WELL)
    monkeypatch.chdir(tmp_path)
    made = Floor(tmp_path, nvml, watching)
    yield made
    made.bench.controller.close()


SICK = {
    "lost": ("count 3", "gpu 1 rc 15"),
    "needs a reset": ("count 3", "gpu 1 rc 16"),
    "an unknown error": ("count 3", "gpu 1 rc 999"),
    "one call of it fails": ("count 3", "gpu 1 memory-rc 999"),
    "its memory is not told": ("count 3", "gpu 1 list-rc 4", "gpu 1 memory-rc 4"),
    "its processes are not told": ("count 3", "gpu 1 list-rc 3"),
    "a stranger on it": ("count 3", f"proc 1 {os.getpid()} 70000", "gpu 1 used 70000"),
    "MIG turned on": ("count 3", "gpu 1 mig -1"),
    "bad memory": ("count 3", "gpu 1 ecc 2"),
    "bad memory to be replaced": ("count 3", "gpu 1 pending 1"),
    "the driver asks for a reset": ("count 3", "gpu 1 action 1"),
}


def test_a_gpu_that_is_sick_gets_nothing_new_and_is_used_again_when_it_is_well(
    floor: Floor,
) -> None:
    for lines in SICK.values():
        floor.sick_and_well(*lines, heal=lambda: floor.nvml.says(*WELL))
    assert any(one.startswith("G1 is lost") for one in floor.warnings())
    assert "G1 is well again" in floor.warnings()


def test_what_the_kernel_says_counts_until_it_is_dealt_with(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    nvml = floor.nvml
    reloaded = "NVRM: loading NVIDIA UNIX x86_64 Kernel Module  570.86.15"
    floor.sick_and_well(kernel=FELL, heal=lambda: nvml.kernel(reloaded))
    floor.sick_and_well(kernel=FELL.replace("79", "94"), heal=nvml.new_boot)
    floor.sick_and_well(
        kernel=FELL.replace("79", "48"), heal=lambda: _ok(capsys, "gpus --release G1")
    )
    assert (
        "G1 fell off the bus (Xid 79); the machine needs a reboot; nothing new is started there"
        in (floor.warnings())
    )


def test_the_whole_machine_may_go_and_come_back(floor: Floor) -> None:
    """No GPU is told from a sick one then: none gets anything, and nobody thinks of CPU slots."""
    for lines in (
        ("count 0",),
        ("init 9", "count 0"),
        ("init 18", "count 0"),
        ("count 3", "gpu 0 hang 1", "gpu 1 hang 1", "gpu 2 hang 1"),
        ("count 3", "gpu 0 rc 15", "gpu 1 rc 15", "gpu 2 rc 15"),
    ):
        floor.sick_and_well(*lines, heal=lambda: floor.nvml.says(*WELL))
    assert all(trial.attempts[-1].leases[0].uuid != "cpu" for trial in floor.bench.trials())


def test_gpus_that_vanish_come_back_or_change_places_keep_their_numbers(floor: Floor) -> None:
    labels = {gpu.uuid: gpu.label for gpu in _latest(floor.watch).gpus}
    swapped = ("count 3", "gpu 0 id 2", "gpu 2 id 0")
    gone, back, turned = ("1", "2", ""), ("1", "2", "3"), ("3", "2", "1")  # places, by number
    for lines, places in ((("count 2",), gone), (WELL, back), (swapped, turned), (WELL, back)):
        floor.nvml.says(*lines)
        until(floor.watch, partial(_are_at, places), PATIENCE_S)
        before = {trial.number for trial in floor.on().values()}
        for uuid in list(floor.on()):
            floor.finish(uuid)
        floor.until(partial(_so_many_began, floor, before, sum(map(bool, places))))
        assert {gpu.uuid: gpu.label for gpu in _latest(floor.watch).gpus} == labels
    floor.nvml.says("count 3", "gpu 1 id 7")
    floor.until(lambda: len(floor.on()) == 4)
    assert _latest(floor.watch).gpus[3].label == "G3", "one that was never seen has its own number"


def _are_at(places: tuple[str, ...], found: Inventory) -> bool:
    """Each GPU well and on its bus, or not listed."""
    if found.problem is not None or len(found.gpus) != len(places):
        return False
    return all(
        gpu.pci == f"0000:0{place}:00" and gpu.problem is None
        if place
        else gpu.problem == "is no longer listed by NVML"
        for gpu, place in zip(found.gpus, places, strict=True)
    )


def _so_many_began(floor: Floor, before: set[int], count: int) -> bool:
    return sum(trial.number not in before for trial in floor.on().values()) >= count


def test_what_does_not_tell_how_busy_it_is_is_used_all_the_same(floor: Floor) -> None:
    floor.nvml.says("count 3", "gpu 1 use-rc 3", "gpu 1 power-rc 4")
    until(floor.watch, lambda found: found.gpus[1].utilization is None)
    floor.finish(TARGET)
    floor.until(lambda: TARGET in floor.on())


def test_a_fault_of_its_gpu_is_the_cause_of_a_trials_end(floor: Floor) -> None:
    """Of the trial that runs there; another one that fails meanwhile fails by itself."""
    victim, other = floor.on()[TARGET], next(uuid for uuid in floor.on() if uuid != TARGET)
    bystander = floor.on()[other]
    floor.nvml.kernel(FELL)
    floor.finish(TARGET, 1)
    floor.finish(other, 1)
    floor.until(lambda: len(_ended(floor, victim, bystander)) == 2)
    ends = _ended(floor, victim, bystander)
    assert ends[victim.number] == ("gpu-fault", "exit 1; G1 fell off the bus (Xid 79)")
    assert ends[bystander.number] == ("exit-code", "exit 1")


def test_a_fault_of_a_program_is_evidence_for_the_attempt_that_ran_there(floor: Floor) -> None:
    victim, other = floor.on()[TARGET], next(uuid for uuid in floor.on() if uuid != TARGET)
    bystander = floor.on()[other]
    name = "\\x1b]0;x\\x07 NVRM: Xid (PCI:0000:01:00): 79"
    floor.nvml.kernel(f"NVRM: Xid (PCI:0000:02:00): 31, pid=4711, name={name}, Ch 00000008")
    floor.finish(TARGET, 1)
    floor.finish(other, 1)
    floor.until(lambda: len(_ended(floor, victim, bystander)) == 2)
    ends = _ended(floor, victim, bystander)
    assert ends[victim.number] == ("gpu-fault", "exit 1; G1 met a memory page fault (Xid 31)")
    assert ends[bystander.number] == ("exit-code", "exit 1")
    floor.until(lambda: TARGET in floor.on())
    later = floor.on()[TARGET]
    floor.finish(TARGET, 1)
    floor.until(lambda: len(_ended(floor, later)) == 1)
    assert _ended(floor, later)[later.number] == ("exit-code", "exit 1"), "that was before it"


def _ended(floor: Floor, *trials: Trial) -> dict[int, tuple[str, str]]:
    state = floor.bench.controller.core.state
    attempts = {one.number: state.trials[one.number].attempts[0] for one in trials}
    return {
        number: (attempt.cause, attempt.evidence)
        for number, attempt in attempts.items()
        if attempt.cause is not None
    }


def test_a_trial_on_a_gpu_it_does_not_hold_is_said_once_and_nothing_joins_it(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    stray = floor.on()[TARGET]
    other = next(uuid for uuid in sorted(floor.on()) if uuid != TARGET)
    index = int(other[-1])
    environment = {**os.environ, "TUISWP_TOKEN": stray.attempts[-1].token}
    with subprocess.Popen(["sleep", "60"], env=environment) as process:
        try:
            floor.nvml.says(*WELL, f"proc {index} {process.pid} 500")
            floor.until(lambda: any("does not hold" in one for one in floor.warnings()))
            floor.finish(other)
            for _ in floor.rounds():
                assert other not in floor.on()
        finally:
            process.kill()
    floor.nvml.says(*WELL)
    floor.until(lambda: other in floor.on())
    assert "which it does not hold" in _ok(capsys, f"explain {stray.id}")
    told = [one for one in floor.warnings() if "does not hold" in one]
    assert told == [
        f"{stray.id}.1 computes on G{index}, which it does not hold (pid {process.pid}); its "
        "script overrides CUDA_VISIBLE_DEVICES"
    ]


def _ok(capsys: pytest.CaptureFixture[str], command: str) -> str:
    return _command(capsys, command, 0)


def _command(capsys: pytest.CaptureFixture[str], command: str, code: int) -> str:
    """What a command prints; a driver that hangs must not hang it."""
    capsys.readouterr()
    asked = time.monotonic()
    assert main(command.split()) == code
    assert time.monotonic() - asked < 20, "2 s, on a machine that has time"
    out, err = capsys.readouterr()
    return f"{out}{err}"


ANSWERS = {
    ("count 3", "gpu 1 rc 15"): "G1 is lost (it fell off the bus); the machine needs a reboot",
    ("init 18",): "have different versions; reboot",
    ("init 9",): "no GPU here (the NVIDIA driver is not loaded)",
    ("count 3", "gpu 1 ecc 1"): "G1 has 1 uncorrectable memory error since its last reset; needs a",
    ("count 3", "gpu 1 reasons 128"): "G1 is slowed down by its power supply (power brake)",
}


def test_the_commands_answer_in_time_whatever_nvml_does(
    floor: Floor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    floor.nvml.says("hang-init 1")
    assert f"(NVML does not answer ({gpus.DEADLINE_S:g} s))" in _ok(capsys, "gpus")
    monkeypatch.setattr("tuiswp.cli.gpus.DEADLINE_S", 8.0)  # a busy machine loads NVML slowly
    for lines, sentence in ANSWERS.items():
        floor.nvml.says(*lines)
        assert sentence in _ok(capsys, "gpus")
    floor.nvml.says("hang-init 1")
    status = msgspec.json.decode(_ok(capsys, "status --json"))
    assert len(status["trials"]) == 3 and status["gpus"] == []
    floor.nvml.says(*WELL)
    floor.nvml.kernel(FELL)
    assert "G1 fell off the bus (Xid 79); the machine needs a reboot" in _ok(capsys, "gpus")
    assert "has nothing to be released from" in _command(capsys, "gpus --release G0", 2)
    assert "names no GPU; there are G0, G1, G2" in _command(capsys, "gpus --release G9", 2).replace(
        "\n", " "
    )
