"""`tuiswp gpus`: every GPU as it is now, who is on it, and whether a trial can use it. Ends nobody.

Answers within seconds even when NVML does not. `--release` puts a GPU back to work that was set
aside for a fault, or quarantined by a sweep; it resets nothing.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import msgspec

from tuiswp import proc
from tuiswp.analysis import tables, words
from tuiswp.cli import arguments as args
from tuiswp.cli import output, quarantine
from tuiswp.controller.client import SweepView
from tuiswp.errors import EnvironmentFault, ExitCode, UsageError
from tuiswp.gpu.health import releasable
from tuiswp.gpu.host import cpu_count, cpu_slots
from tuiswp.gpu.inventory import GpuProcess, GpuReading, Inventory
from tuiswp.gpu.kernel import KernelLog
from tuiswp.gpu.leases import HeldLease, LeaseBook
from tuiswp.gpu.placement import explain_all
from tuiswp.gpu.probe import read_once
from tuiswp.gpu.released import Releases
from tuiswp.model.sweep import Resources
from tuiswp.text import visible

DEADLINE_S = 1.2


def add_arguments(parser: ArgumentParser, name: str) -> None:
    args.add_sweep(parser)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument(
        "--release",
        metavar="GPU",
        help="use a GPU again whose reported faults are dealt with, or that SWEEP (left out: those "
        "that lie here) has quarantined (G1, 1 or its UUID)",
    )


def run(arguments: Namespace) -> int:
    if arguments.release is not None:
        return _release(arguments.release, arguments.sweep)
    named = None if arguments.sweep is None else args.find_sweep(arguments.sweep)
    inventory = read_once(DEADLINE_S)
    leases = LeaseBook(proc.runtime_dir() / "leases").held()
    verdicts = explain_all(Resources(), inventory, leases, own_tokens=())
    views = quarantine.quarantining(named, leases)
    if arguments.json:
        output.show_json(as_json(inventory, leases, verdicts, views))
    else:
        output.say(*_lines(inventory, leases, verdicts), *quarantine.as_lines(views))
    return ExitCode.OK


def _release(word: str, sweep: str | None) -> int:
    """Take back what is held against a GPU: by a sweep, by the driver's word, or by both."""
    named = None if sweep is None else args.find_sweep(sweep)
    leases = LeaseBook(proc.runtime_dir() / "leases").held()
    views = quarantine.quarantining(named, leases)
    names = {word.lower(), f"g{word}"}
    told = quarantine.release(names, views) if views else []
    if told:
        output.say(*told)
    if named is not None and not told:
        raise UsageError(
            f"{visible(args.spoken(named))} has not quarantined {visible(word, limit=60)}",
            where="--release",
            hint="`tuiswp status` names the GPUs that it has",
        )
    return ExitCode.OK if told and not _is_faulty(word) else _release_fault(word)


def _is_faulty(word: str) -> bool:
    return any(gpu.faulty for gpu in read_once(DEADLINE_S).gpus if _is_meant(word, gpu))


def _release_fault(word: str) -> int:
    log = KernelLog()  # what comes after this look is not dealt with
    said = log.look()
    log.close()
    inventory = read_once(DEADLINE_S)
    shown = visible(word, limit=60)
    if not inventory.gpus:
        why = visible(inventory.problem or "there is no GPU here")
        raise EnvironmentFault(f"no GPU can be released: {why}", hint="`tuiswp doctor` says more")
    gpu = next((gpu for gpu in inventory.gpus if _is_meant(word, gpu)), None)
    if gpu is None:
        there = ", ".join(gpu.label for gpu in inventory.gpus)
        raise UsageError(f"{shown!r} names no GPU", where="--release", hint=f"there are {there}")
    if not gpu.faulty:
        state = f"it {visible(gpu.problem)}" if gpu.problem else "no fault of it is known"
        raise UsageError(f"{gpu.label} has nothing to be released from: {state}")
    if not releasable(gpu):
        raise EnvironmentFault(
            f"{gpu.label} cannot be used whatever is said here: it {visible(gpu.problem or '')}"
        )
    try:
        Releases().put(gpu, max((xid.seq for xid in said if xid.pci == gpu.pci), default=None))
    except OSError as error:
        raise EnvironmentFault(
            f"cannot be noted: {error.strerror}",
            where=str(proc.runtime_dir()),
            hint="make room there, or set TUISWP_RUNTIME_DIR to another directory",
        ) from error
    output.say(
        f"{gpu.label} is used again until something new is reported of it, or the machine restarts",
        f"(it {visible((gpu.problem or '').partition(';')[0])})",
    )
    return ExitCode.OK


def _is_meant(word: str, gpu: GpuReading) -> bool:
    names = {gpu.label, f"G{gpu.index}", str(gpu.index), gpu.uuid, gpu.share_of}
    return word.lower() in {name.lower() for name in names if name}


def as_json(
    inventory: Inventory,
    leases: Sequence[HeldLease],
    verdicts: Sequence[str],
    views: Sequence[SweepView] = (),
) -> dict[str, object]:
    """`verdicts`: one sentence a GPU, in the inventory's order. `views`: who quarantined one."""
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
        "quarantined": [one for view in views for one in quarantine.as_json(view)],
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
    lines += [output.prose(visible(verdict), indent="  ") for verdict in verdicts]
    for gpu in inventory.gpus:
        lines += [f"  {gpu.label} {visible(one)}" for one in gpu.news]
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
