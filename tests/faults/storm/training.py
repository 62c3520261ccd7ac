"""A training that writes down what happens to it. Standard library only; knows nothing of tuiswp.

    training.py --x=N          one trial, by its point; ends as `plan` says
    training.py control FILE   beats into FILE as a training does, and no one of ours is near it

`launches`, `heartbeat` and `over` get one line each time, appended by one write: a process that
dies leaves no half line, and two that live at once are seen. Times are monotonic seconds.
"""

import json
import os
import signal
import sys
import time
from typing import NamedTuple

BEAT_S = 0.2


class Plan(NamedTuple):
    """How a point's training goes; `code` and `signal` are how its first attempt ends."""

    beats: int
    code: int = 0
    signal: int = 0
    stubborn: bool = False  # deaf to SIGTERM
    daemon_s: float = 0.0  # leaves a process behind that beats for so long


def plan(x: int, beats: int) -> Plan:
    """Most end well; each tenth does something else."""
    beats += x * 7 % beats
    kind = x % 10
    if kind == 3:
        return Plan(beats, code=3)
    if kind == 6:
        return Plan(beats, signal=signal.SIGSEGV)
    if kind == 8:
        return Plan(beats, daemon_s=2.0)
    return Plan(beats, stubborn=kind == 9)


def loss(x: int) -> float:
    """What a point is worth: every one is worth something else, and the best comes late."""
    return (x * 7919 + 500) % 10007 / 100


def append(name: str, **fields: object) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, json.dumps(fields).encode() + b"\n")
    os.close(fd)


def beat(name: str, token: str, **fields: object) -> None:
    append(name, token=token, t=time.monotonic(), **fields)


def ticks() -> int:
    """This process's start, so that its pid can be nobody else's."""
    with open("/proc/self/stat", "rb") as file:  # noqa: PTH123  as little as possible is loaded
        text = file.read()
    return int(text[text.rfind(b")") + 2 :].split()[19])


def leave_daemon(token: str, seconds: float) -> None:
    """A process of its own session that goes on after the training, until somebody ends it."""
    if os.fork():
        return
    os.setsid()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        beat("daemon", token)
        time.sleep(BEAT_S / 2)
    os._exit(0)


def train(x: int) -> int:
    os.chdir(os.environ["TUISWP_TRIAL_DIR"])
    token, attempt = os.environ["TUISWP_TOKEN"], os.environ["TUISWP_ATTEMPT"]
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    append(
        "launches",
        token=token, attempt=int(attempt), pid=os.getpid(), ticks=ticks(), t=time.monotonic(),
        gpus=gpus, x=x,
    )  # fmt: skip
    mine = plan(x, int(os.environ["BEATS"]))
    if mine.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for step in range(1, mine.beats + 1):
        beat("heartbeat", token)
        append(
            "metrics.jsonl",
            step=step, loss=loss(x) + (mine.beats - step), progress=step / mine.beats,
        )  # fmt: skip
        print(f"x={x} step {step} of {mine.beats}", flush=True)
        time.sleep(BEAT_S)
    if mine.daemon_s:
        leave_daemon(token, mine.daemon_s)
    first = attempt == "1"
    code, number = (mine.code, mine.signal) if first else (0, 0)
    beat("over", token, code=code, signal=number, loss=loss(x))
    if number:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return code


def control(path: str) -> None:
    while True:
        beat(path, "control")
        print("control", flush=True)
        time.sleep(BEAT_S / 4)


if __name__ == "__main__":
    if sys.argv[1] == "control":
        control(sys.argv[2])
    sys.exit(train(int(sys.argv[1].partition("=")[2])))
