"""Why a trial that could run does not run yet: every reason that holds now. Starts nothing.

The journal, the leases of this host and NVML are asked as the controller asks them.
"""

import time
from collections.abc import Iterator, Sequence

from tuiswp import proc
from tuiswp.analysis import words
from tuiswp.cli import arguments as args
from tuiswp.controller.client import SweepView
from tuiswp.controller.health import held_back
from tuiswp.controller.steered import why_closed
from tuiswp.errors import TuiswpError
from tuiswp.gpu.environment import CPU
from tuiswp.gpu.leases import HeldLease, LeaseBook
from tuiswp.model.ids import attempt_id
from tuiswp.model.trial import Attempt, Launching, Queued, Running, Trial
from tuiswp.text import visible

GPU_DEADLINE_S = 1.5


def why_it_waits(
    view: SweepView, status: Queued, attempts: Sequence[Attempt] = ()
) -> Iterator[str]:
    """Every reason that holds, the nearest first. `attempts`: those that the trial had."""
    now = time.time()
    name = visible(args.spoken(view.directory))
    if view.controller is None:
        yield f"no controller runs; `tuiswp {name}` starts one"
    if view.trouble is not None:
        yield visible(view.trouble, limit=1000)
    if view.state.paused is not None:
        paused = view.state.paused
        yield (
            f"the sweep was paused by {visible(paused.by)} ({visible(paused.why)}); "
            f"`tuiswp resume {name}` goes on"
        )
    if view.state.stopping is not None and not status.asked:
        yield f"the sweep is stopping and starts no new trials; `tuiswp resume {name}` goes on"
    if status.not_before > now:
        failed = "its last attempt failed"
        if attempts and attempts[-1].cause == "launch-error":
            failed = f"it could not be launched ({visible(attempts[-1].evidence, limit=400)})"
        yield (
            f"{failed}, and the next attempt is not before {words.clock(status.not_before)} "
            f"(in {words.duration(status.not_before - now)})"
        )
    try:
        yield from _no_place(view)
    except TuiswpError as error:
        yield visible(str(error))


def _no_place(view: SweepView) -> Iterator[str]:
    """What placement says now, of a trial that could start."""
    from tuiswp.gpu.host import cpu_slots
    from tuiswp.gpu.placement import Place, explain_all, place
    from tuiswp.gpu.probe import read_once

    inventory = read_once(GPU_DEADLINE_S)
    live = view.state.live()
    own = {t.status.token for t in live if isinstance(t.status, Launching | Running)}
    held = [*LeaseBook(proc.runtime_dir() / "leases").held(), *_cpu_leases(view, live)]
    resources, closed = view.sweep.resources, closed_to_it(view)
    verdict = place(
        resources,
        inventory,
        held,
        own_tokens=own,
        cpu_slots=cpu_slots(resources),
        running=len(live),
        closed=closed,
    )
    if isinstance(verdict, Place):
        where = words.places(verdict.leases)
        yield f"a place is free ({where}): it starts when the controller looks next"
        return
    yield visible(verdict.reason)
    if inventory.gpus and resources.gpus_per_trial > 0:
        for one in explain_all(resources, inventory, held, own_tokens=own, closed=closed):
            yield f"  {visible(one)}"


def closed_to_it(view: SweepView) -> dict[str, str]:
    """By UUID, why this sweep starts nothing on a GPU now."""
    state = view.state
    return why_closed(state) | held_back(state.health, state.live())


def _cpu_leases(view: SweepView, live: list[Trial]) -> Iterator[HeldLease]:
    """This sweep's CPU slots, which no file on disk knows of."""
    for trial in live:
        if isinstance(trial.status, Launching | Running):
            for lease in trial.status.leases:
                if lease.uuid == CPU:
                    yield HeldLease(
                        lease.uuid,
                        lease.share,
                        trial.status.token,
                        attempt_id(trial.number, trial.attempts[-1].number),
                        str(view.directory),
                        "",
                        proc.myself(),
                    )
