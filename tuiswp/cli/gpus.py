"""`tuiswp gpus`: every GPU as it is now, who is on it, and whether a trial can use it. Ends nobody.

Answers within seconds even when NVML does not.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import msgspec

from tuiswp import proc
from tuiswp.analysis import tables, words
from tuiswp.cli import output
from tuiswp.errors import ExitCode
from tuiswp.gpu.host import cpu_count, cpu_slots
from tuiswp.gpu.inventory import GpuProcess, GpuReading, Inventory
from tuiswp.gpu.leases import HeldLease, LeaseBook
from tuiswp.gpu.placement import explain_all
from tuiswp.gpu.probe import read_once
from tuiswp.model.sweep import Resources
from tuiswp.text import visible

DEADLINE_S = 1.5


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("--json", action="store_true", help="print one object")


def run(arguments: Namespace) -> int:
    inventory = read_once(DEADLINE_S)
    leases = LeaseBook(proc.runtime_dir() / "leases").held()
    verdicts = explain_all(Resources(), inventory, leases, own_tokens=())
    if arguments.json:
        output.show_json(as_json(inventory, leases, verdicts))
    else:
        output.say(*_lines(inventory, leases, verdicts))
    return ExitCode.OK


def as_json(
    inventory: Inventory, leases: Sequence[HeldLease], verdicts: Sequence[str]
) -> dict[str, object]:
    """`verdicts`: one sentence a GPU, in the inventory's order."""
    return {
        "source": inventory.source,
        "driver": inventory.driver,
        "problem": inventory.problem,
        "notes": list(inventory.notes),
        "cpu": {"cores": cpu_count(), "slots": cpu_slots(Resources())},
        "gpus": [
            {**gpu_json(gpu, leases), "verdict": verdict}
            for gpu, verdict in zip(inventory.gpus, verdicts, strict=True)
        ],
    }


def gpu_json(gpu: GpuReading, leases: Sequence[HeldLease]) -> dict[str, object]:
    """One GPU with the leases on it, as `gpus --json` and `status --json` show it."""
    reading: dict[str, object] = msgspec.to_builtins(gpu)
    reading.pop("at")
    return {
        "label": gpu.label,
        **reading,
        "leases": [
            {"attempt": one.attempt, "sweep_dir": one.sweep_dir, "share": one.share}
            for one in leases
            if one.uuid == gpu.uuid
        ],
    }


def _lines(inventory: Inventory, leases: Sequence[HeldLease], verdicts: Sequence[str]) -> list[str]:
    if not inventory.gpus:
        return _without(inventory)
    lines = [f"driver {visible(inventory.driver)}"] if inventory.driver else []
    if inventory.simulated:
        lines.append("simulated GPUs: nothing is computed on them")
    if inventory.problem:
        lines.append(output.paint(f"NVML: {visible(inventory.problem)}", "bad"))
    lines += tables.table(
        ("gpu", "name", "memory", "use", "temp", "power", "held by"),
        [_row(gpu, leases) for gpu in inventory.gpus],
        width=output.width(),
        right=(2, 3, 4, 5),
    )
    lines += [visible(verdict) for verdict in verdicts]
    for gpu in inventory.gpus:
        lines += [f"  on {gpu.label}: {_process(one)}" for one in gpu.processes or ()]
    return lines + [f"note: {visible(note)}" for note in inventory.notes]


def _without(inventory: Inventory) -> list[str]:
    slots = cpu_slots(Resources())
    why = f" ({visible(inventory.problem)})" if inventory.problem else ""
    if inventory.source != "none":
        return [f"the GPUs cannot be read{why}; no trial is started on what is not known"]
    return [
        f"no GPU here{why}",
        f"trials run in CPU slots: {slots} at once on {words.several(cpu_count(), 'core')} "
        "(half the cores; `max_parallel` in the sweep file changes it)",
    ]


def _row(gpu: GpuReading, leases: Sequence[HeldLease]) -> tuple[str, ...]:
    used, total = words.memory(gpu.memory_used_mib), words.memory(gpu.memory_total_mib)
    return (
        gpu.label,
        visible(gpu.name or words.NONE, limit=40),
        f"{used} of {total}",
        words.NONE if gpu.utilization is None else f"{gpu.utilization} %",
        words.NONE if gpu.temperature_c is None else f"{gpu.temperature_c} °C",
        words.NONE if gpu.power_w is None else f"{gpu.power_w:.0f} W",
        " ".join(visible(one.attempt, limit=30) for one in leases if one.uuid == gpu.uuid),
    )


def _process(one: GpuProcess) -> str:
    name = visible(one.name or "a process that is not visible from here", limit=60)
    owner = f" of {visible(one.user, limit=40)}" if one.user else ""
    return f"{name}{owner}, pid {one.pid}, {words.memory(one.memory_mib)}"
