"""One bad GPU, or one bug, must not eat the sweep: quarantine the one, pause for the other.

A GPU whose attempts fail one after another is held back until it is clear whether it is the GPU
(others do well meanwhile) or the sweep (they fail as well). What failed on a GPU that is guilty is
taken back. A sweep that only fails starts nothing more, and says why. Ends no attempt.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence

from tuiswp.analysis import words
from tuiswp.analysis.axes import number
from tuiswp.controller.core import Core
from tuiswp.controller.health import FIRST, STREAK, held_words, most, suspects
from tuiswp.controller.places import Places
from tuiswp.controller.steered import why_closed
from tuiswp.controller.watching import Watcher
from tuiswp.gpu.environment import CPU
from tuiswp.model.events import GpuQuarantined, GpuReleased, SweepPaused
from tuiswp.model.health import Failure, GpuHealth, Health
from tuiswp.model.ids import trial_id
from tuiswp.model.space import Parameter
from tuiswp.model.trial import Ended, Trial
from tuiswp.model.who import US
from tuiswp.spec.params import flatten, swept
from tuiswp.text import visible

MANY = 5  # failures that do, if as few are done
ALIKE = 3  # trials that raised the same
# How a running attempt tells that its GPU works: by reporting, for as long as so many failures
# took; or, if it reports nothing, by living much longer.
OUTLIVES, OUTLIVES_SILENT = 3.0, 10.0
LEAST_S, LEAST_SILENT_S = 2.0, 30.0
PROBE_S = 300.0  # until a quarantined GPU gets one attempt; three times as long after each failure
PROBE_CAP_S = 4 * 3600.0
PROBED_S = 60.0  # a probe that reports for so long has shown enough


class Breakers:
    """`look` draws the conclusions; `closed` says which GPUs get nothing now, and why."""

    def __init__(self, core: Core, watcher: Watcher, places: Places) -> None:
        self._core = core
        self._watcher = watcher
        self._places = places
        self._seen = -1  # seq of the state without a suspect that was last looked at
        self._due: dict[str, tuple[float, int, float]] = {}  # of a quarantine: at, probes, when

    def look(self) -> None:
        """Record what the ends of attempts so far amount to. Raises JournalError."""
        health = self._core.state.health
        if self._core.state.seq == self._seen and not health.quarantined:
            return
        self._release()
        for gpu in self._suspects():
            why = self._guilt(gpu)
            if why is not None:
                self._quarantine(gpu, why)
        if self._core.state.paused is None and self._core.state.stopping is None:
            self._pause_if_hopeless()
        self._advise()
        if not self._suspects():
            self._seen = self._core.state.seq

    def closed(self) -> dict[str, str]:
        """By UUID, why a GPU gets no trial now: it is quarantined, or waits for the verdict."""
        held = {gpu.uuid: held_words(gpu) for gpu in self._held()}
        return why_closed(self._core.state) | held

    def probe(self) -> str | None:
        """UUID of a quarantined GPU that is to be tried with one attempt now."""
        now = time.monotonic()
        taken = {uuid for _, uuid in self._live()}
        for uuid, gpu in self._core.state.health.quarantined.items():
            aside = gpu.quarantine
            assert aside is not None
            known = self._due.get(uuid)
            if known is None or known[:2] != (aside.at, aside.probes):
                # By a clock that no one can set; a restart of the controller loses nothing.
                rest = min(PROBE_S * 3.0**aside.probes, PROBE_CAP_S)
                since = aside.at if aside.probed_at is None else aside.probed_at
                left = min(max(since + rest - self._core.wall(), 0.0), rest)
                known = self._due[uuid] = (aside.at, aside.probes, now + left)
            if now >= known[2] and uuid not in taken:
                return uuid
        return None

    # --- GPUs ---

    def _suspects(self) -> list[GpuHealth]:
        """GPUs that only fail lately."""
        health = self._core.state.health
        return suspects(health, early=health.done == 0 and not any(self._survivors()))

    def _held(self) -> list[GpuHealth]:
        """Suspects, as long as some other GPU can tell whether it is them."""
        suspects = self._suspects()
        if not suspects:
            return []
        off = {gpu.uuid for gpu in suspects} | self._core.state.health.quarantined.keys()
        return suspects if self._places.others_than(off) else []

    def _live(self) -> Iterator[tuple[Trial, str]]:
        for trial in self._core.state.live():
            for lease in trial.attempts[-1].leases:
                if lease.uuid != CPU:
                    yield trial, lease.uuid

    def _survivors(self, failures: Sequence[Failure] = (), but: str = "") -> Iterator[str]:
        """Running attempts that show, by how long they live, that their GPUs work."""
        health = self._core.state.health
        longest = max((one.took_s for one in failures), default=0.0)
        for trial in self._core.state.live():
            leases = trial.attempts[-1].leases
            gpus = [health.gpus.get(lease.uuid) for lease in leases]
            if any(lease.uuid in (but, CPU) for lease in leases) or any(
                gpu is not None
                and (gpu.quarantine is not None or len(gpu.streak) >= most(health, gpu))
                for gpu in gpus
            ):
                continue
            for gpu in gpus if not failures else ():
                longest = max((longest, *(one.took_s for one in (gpu.streak if gpu else ()))))
            age, rows = self._watcher.seen(trial.number)
            if rows and age > max(LEAST_S, OUTLIVES * longest):
                said = "and reports"
            elif age > max(LEAST_SILENT_S, OUTLIVES_SILENT * longest):
                said = "still"
            else:
                continue
            yield f"{trial.id} on {words.places(leases)} runs for {words.duration(age)} {said}"

    def _guilt(self, gpu: GpuHealth) -> str | None:
        """The evidence that it is this GPU and not the sweep; None: there is none, or no other."""
        health, resources = self._core.state.health, self._core.sweep.resources
        if len(gpu.streak) < most(health, gpu):
            return None
        left = self._places.usable() - health.quarantined.keys() - {gpu.uuid}
        if len(left) < resources.gpus_per_trial:
            return None
        if health.well - gpu.done > gpu.elsewhere:
            well = f"{health.last_well} did well"
        else:
            well = next(self._survivors(gpu.streak, gpu.uuid), "")
        if not well:
            return None
        ids = ", ".join(one.id for one in gpu.streak[-STREAK:])
        last = gpu.streak[-1].evidence
        return (
            f"its last {len(gpu.streak)} attempts failed ({ids}: {visible(last, limit=160)}) "
            f"while {visible(well)}"
        )

    def _quarantine(self, gpu: GpuHealth, why: str) -> None:
        stopping = self._core.state.stopping is not None  # what waits then would wait for ever
        attempts = () if stopping else tuple((one.trial, one.attempt) for one in gpu.streak)
        self._core.record(GpuQuarantined(gpu.uuid, gpu.name, why, US, attempts))

    def _release(self) -> None:
        """GPUs that have shown that they work, or whose trials have shown that it was not them."""
        for uuid, gpu in self._core.state.health.quarantined.items():
            aside = gpu.quarantine
            assert aside is not None
            if aside.works is not None:
                self._core.record(GpuReleased(uuid, gpu.name, f"{aside.works} did well on it", US))
            elif len(aside.failed_elsewhere) >= 2 and not aside.cured:
                ids = " and ".join(map(trial_id, aside.failed_elsewhere[:2]))
                why = f"{ids} failed elsewhere as well, so it was not the GPU"
                self._core.record(GpuReleased(uuid, gpu.name, why, US, cleared=True))
            elif (works := self._probed(uuid, aside.at)) is not None:
                self._core.record(GpuReleased(uuid, gpu.name, works, US))

    def _probed(self, uuid: str, since: float) -> str | None:
        for trial, held in self._live():
            attempt = trial.attempts[-1]
            if held == uuid and attempt.launched_at > since:
                age, rows = self._watcher.seen(trial.number)
                if rows and age > PROBED_S:
                    return f"{trial.id} runs on it for {words.duration(age)} and reports"
        return None

    # --- the sweep ---

    def _pause_if_hopeless(self) -> None:
        why = self._hopeless()
        if why is not None and self._more_to_come():
            self._core.record(SweepPaused(US, why))
            self._core.warn("breaker", why)

    def _hopeless(self) -> str | None:
        """Why nothing more should be started; None: no reason, or it may be a GPU's fault."""
        health, factor = self._core.state.health, 2**self._core.state.health.resumed
        excused = {one.trial for gpu in self._held() for one in gpu.streak}
        trials = self._core.state.trials
        count = health.failed - sum(trials[one].state in ("failed", "lost") for one in excused)
        if count >= FIRST * factor and health.done == 0 and health.fast == health.failed:
            return self._first(health.failed)
        own_rule = self._core.sweep.stop.failures is not None  # who wrote it knows how many
        if not own_rule and count >= MANY * factor and count >= health.done:
            last = self._newest_failure()
            return f"{count} trials failed and {health.done} are done; the last: {last}"
        return self._same_error(health, excused, ALIKE * factor)

    def _first(self, count: int) -> str:
        over = [t for t in self._core.state.trials.values() if t.state in ("failed", "lost")]
        alike = len({(trial.cause, trial.attempts[-1].code) for trial in over}) == 1
        how = "failed alike" if alike else "failed at once"
        again = " since it was resumed" if self._core.state.health.resumed else ""
        return f"the first {count} trials{again} {how}: {self._newest_failure()}"

    def _newest_failure(self) -> str:
        over = [
            (trial.status.at, trial.number, visible(trial.status.evidence))
            for trial in self._core.state.trials.values()
            if isinstance(trial.status, Ended) and trial.status.state in ("failed", "lost")
        ]
        return max(over)[2] if over else "?"

    def _same_error(self, health: Health, excused: set[int], least: int) -> str | None:
        if any(self._survivors()):
            return None  # it fails in a region, or late: `_advise` says so
        for what, trials in health.alike.items():
            those = [one for one in trials if one not in excused]
            if len(those) >= least:
                ids = ", ".join(map(trial_id, those[:8]))
                return (
                    f"{len(those)} trials with different parameters ({ids}) ended with the same "
                    f"error, and none has done well since the first: {visible(what)}"
                )
        return None

    def _more_to_come(self) -> bool:
        """Whether there is anything left to hold back."""
        from tuiswp.controller.client import planned

        state = self._core.state
        if state.queued():
            return True
        most = planned(self._core.sweep, state)
        return most is None or most > len(state.trials)

    def _advise(self) -> None:
        """Say once of each error that some trials share while others do well; pause for none."""
        health, trials = self._core.state.health, self._core.state.trials
        for what, numbers in health.raised.items():
            failed = [trials[n] for n in numbers if trials[n].state == "failed"]
            code = f"alike-{hashlib.blake2b(what.encode(), digest_size=6).hexdigest()}"
            if len(failed) < ALIKE or code in self._core.state.warned:
                continue
            well = [trial for trial in trials.values() if trial.state == "done"]
            if well and self._core.state.paused is None:
                ids = ", ".join(trial.id for trial in failed)
                shared = in_common(failed, well, swept(self._core.whole))
                where = f"; all of them, and none that did well, have {shared}" if shared else ""
                self._core.warn(
                    code, f"{ids} ended with the same error while others do well: {what}{where}"
                )


def in_common(
    failed: Sequence[Trial], well: Sequence[Trial], parameters: Sequence[Parameter]
) -> str:
    """The side of a range, or the choice, that all of `failed` have and none of `well`."""
    for parameter in parameters:
        bad, good = (
            [flatten(trial.params, (parameter,)).get(parameter.path) for trial in those]
            for those in (failed, well)
        )
        name = visible(parameter.name, limit=60)
        left, right = _numbers(map(number, bad)), _numbers(map(number, good))
        if left is not None and right is not None:
            if min(left) > max(right):
                return f"{name} of at least {min(left):g}"
            if max(left) < min(right):
                return f"{name} of at most {max(left):g}"
        elif len(set(map(repr, bad))) == 1 and repr(bad[0]) not in set(map(repr, good)):
            return f"{name} = {visible(str(bad[0]), limit=60)}"
    return ""


def _numbers(values: Iterable[float | None]) -> list[float] | None:
    """All of them; None if one is none."""
    found = list(values)
    known = [value for value in found if value is not None]
    return known if known and len(known) == len(found) else None
