"""What a training script imports: one whole line a call, whatever the disk does."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tuiswp import report
from tuiswp.metrics.file import MetricFile


@pytest.fixture(autouse=True)
def outside_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TUISWP_METRICS", "TUISWP_TRIAL_DIR", "TUISWP_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "_whole", set())
    monkeypatch.setattr(report, "_warned", set())
    monkeypatch.setattr(report, "timestamps", False)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_call_is_one_line_with_step_first(tmp_path: Path) -> None:
    report.log({"train/loss": 2.5}, step=3, progress=0.5, lr=1e-3)
    report.log(loss=1)
    text = (tmp_path / "metrics.jsonl").read_text()
    assert text == '{"step": 3, "train/loss": 2.5, "lr": 0.001, "progress": 0.5}\n{"loss": 1}\n'


def test_each_line_says_when_it_was_logged_unless_given_or_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "timestamps", True)
    before = time.time()
    report.log(loss=1)
    after = time.time()
    report.log(loss=2, _timestamp=7.5)
    report.log(loss=3, _timestamp=None)
    added, given, left_out = rows(tmp_path / "metrics.jsonl")
    assert before - 0.001 <= added["_timestamp"] <= after + 0.001
    assert added["_timestamp"] == round(added["_timestamp"], 3)
    assert given == {"loss": 2, "_timestamp": 7.5}
    assert left_out == {"loss": 3}


def test_when_a_line_was_logged_is_no_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "timestamps", True)
    report.log(step=1, loss=2.0)
    file = MetricFile(tmp_path / "metrics.jsonl")
    file.poll()
    assert list(file.metrics) == ["loss"]
    assert list(file.beside) == ["_timestamp"]


def test_the_sweep_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = tmp_path / "t0007"
    trial.mkdir()
    monkeypatch.setenv("TUISWP_TRIAL_DIR", str(trial))
    assert report.trial_dir() == trial
    report.log(a=1)
    monkeypatch.setenv("TUISWP_METRICS", str(tmp_path / "elsewhere.jsonl"))
    report.log(a=2)
    assert rows(trial / "metrics.jsonl") == [{"a": 1}]
    assert rows(tmp_path / "elsewhere.jsonl") == [{"a": 2}]


def test_the_parameters_are_read_and_outside_a_sweep_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report.config() == {}
    params = tmp_path / "params.json"
    monkeypatch.setenv("TUISWP_CONFIG", str(params))
    with pytest.raises(FileNotFoundError):
        report.config()
    params.write_text('{"lr": 0.001, "opt": {"name": "adam"}}')
    assert report.config() == {"lr": 0.001, "opt": {"name": "adam"}}
    params.write_text("[1]")
    with pytest.raises(ValueError, match="holds no JSON object"):
        report.config()


def test_numbers_of_other_libraries_are_numbers(tmp_path: Path) -> None:
    class Scalar:
        def item(self) -> float:
            return 1.5

    class Vector:
        def item(self) -> float:
            raise ValueError("more than one element")

        def tolist(self) -> list[float]:
            return [1.0, 2.0]

    class Strange:
        def __str__(self) -> str:
            return "strange"

    report.log({"scalar": Scalar(), "vector": Vector(), "strange": Strange()}, step=Scalar())
    assert rows(tmp_path / "metrics.jsonl") == [
        {"step": 1.5, "scalar": 1.5, "vector": [1.0, 2.0], "strange": "strange"}
    ]


def test_numpy_scalars_are_numbers(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    report.log(a=numpy.float32(0.5), b=numpy.int64(3), c=numpy.float64(0.25), d=numpy.bool_(True))
    assert rows(tmp_path / "metrics.jsonl") == [{"a": 0.5, "b": 3, "c": 0.25, "d": True}]


def test_what_is_not_finite_is_written_as_it_is(tmp_path: Path) -> None:
    report.log(a=math.nan, b=math.inf)
    assert (tmp_path / "metrics.jsonl").read_text() == '{"a": NaN, "b": Infinity}\n'


def test_a_line_that_is_just_being_written_is_not_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"text": "a page of')

    def meanwhile(_: float) -> None:
        path.write_text('{"text": "a page of another process"}\n')

    monkeypatch.setattr("tuiswp.report.time.sleep", meanwhile)
    report.log(loss=1)
    assert path.read_text() == '{"text": "a page of another process"}\n{"loss": 1}\n'


def test_a_torn_last_line_is_ended_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "lo')
    report.log(step=2)
    report.log(step=3)
    assert path.read_text() == '{"step": 1, "lo\n{"step": 2}\n{"step": 3}\n'


def test_a_short_write_tears_one_line_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:5]))
    report.log(step=1)
    monkeypatch.setattr(os, "write", real)
    report.log(step=2)
    assert (tmp_path / "metrics.jsonl").read_text() == '{"ste\n{"step": 2}\n'


def test_a_disk_that_fails_is_said_once_and_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TUISWP_METRICS", str(tmp_path / "gone" / "\x1b[31m" / "metrics.jsonl"))
    for step in range(3):
        report.log(step=step)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cannot write metrics" in said
    assert "No such file or directory" in said


def test_what_cannot_be_written_as_json_does_not_stop_the_training(
    capsys: pytest.CaptureFixture[str],
) -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    report.log(endless)
    report.log({"a": {(1, 2): 3}})
    assert capsys.readouterr().err.count("the training goes on") == 2


SHARED = """
import os, threading
from tuiswp import report

def work(name):
    for step in range(50):
        report.log({"text": name * 300}, step=step)

report.log(text="first")
children = []
while len(children) < 3:  # four processes, and each waits for its own children alone
    child = os.fork()
    if not child:
        children = []
        break
    children.append(child)
threads = [threading.Thread(target=work, args=(f"{os.getpid()} {i} ",)) for i in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""


def test_threads_and_forked_processes_never_mix_their_lines(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", SHARED], check=True, timeout=60)
    found = rows(tmp_path / "metrics.jsonl")
    assert found[0]["text"] == "first"
    counts = Counter(row["text"] for row in found[1:])
    assert len(counts) == 8
    assert set(counts.values()) == {50}


def test_importing_it_loads_the_standard_library_only() -> None:
    code = "import tuiswp.report, sys; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ours = {name for name in out.stdout.split() if name.startswith("tuiswp")}
    assert ours == {"tuiswp", "tuiswp.report"}
    assert not {"msgspec", "numpy", "torch", "rich"} & set(out.stdout.split())


ASKED = """
import sys, time
from tuiswp import report
before, _ = report.should_stop(), print("ready", flush=True)
while not report.should_stop():
    time.sleep(0.01)
print(before, report.should_stop())
raise SystemExit(report.STOPPED)
"""


def asked_to_stop(tmp_path: Path, code: str, **environment: str) -> tuple[int, str]:
    """The exit code and output of `code` whose process group gets a TERM once it says "ready"."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | environment,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, out


def test_a_training_learns_that_it_is_asked_to_stop(tmp_path: Path) -> None:
    said = asked_to_stop(tmp_path, ASKED, TUISWP_TRIAL_DIR=str(tmp_path))
    assert said == (143, "False True\n")


def test_outside_a_sweep_nobody_asks_and_a_term_ends_it_as_ever(tmp_path: Path) -> None:
    assert asked_to_stop(tmp_path, ASKED) == (-signal.SIGTERM, "")


def test_who_handled_a_term_before_still_does(tmp_path: Path) -> None:
    code = ASKED.replace(
        "before, _",
        "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('mine'))\nbefore, _",
    )
    said = asked_to_stop(tmp_path, code, TUISWP_TRIAL_DIR=str(tmp_path))
    assert said == (143, "mine\nFalse True\n")


def test_a_forked_helper_is_left_alone_and_ends_when_its_training_ends_it(tmp_path: Path) -> None:
    code = (
        "import multiprocessing, time\n"
        "from tuiswp import report\n"
        "report.should_stop()\n"
        "helper = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))\n"
        "helper.start()\n"
        "while multiprocessing.active_children() and __import__('os').getpgid(helper.pid)"
        " == __import__('os').getpgid(0):\n    time.sleep(0.01)\n"
    ) + ASKED.replace("raise", "print(helper.is_alive())\nhelper.terminate()\nhelper.join()\nraise")
    said = asked_to_stop(tmp_path, code, TUISWP_TRIAL_DIR=str(tmp_path))
    assert said == (143, "True True\nTrue\n".replace("True True", "False True"))
