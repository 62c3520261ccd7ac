"""Which running trials, and which GPUs, are far slower than comparable ones. Pure.

Comparable is who differs only in what costs no time to anybody's knowledge, a learning rate or a
seed. Where too few are left to compare with, nothing is said: a larger batch is no straggler.
"""

import re
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from tuiswp.analysis import words
from tuiswp.model.ids import trial_id
from tuiswp.model.space import Parameter, Params
from tuiswp.spec.distributions import value_key
from tuiswp.spec.params import flatten
from tuiswp.text import visible

SLOW = 0.5  # of the median speed
SLOW_GPU = 0.7  # of several trials, which are no accident
OTHERS = 3  # to compare with, at least
ON_A_GPU = 2  # trials that ran there, at least

# Last words of the names of parameters that change what is computed, and not how much.
_FREE = re.compile(
    r"(?:^|_)(?:lr|learning_rate|seed|weight_decay|wd|momentum|betas?|beta_?[12]|eps|epsilon"
    r"|warmup(?:_steps|_ratio)?|dropout|label_smoothing|gamma|temperature|clip|grad_clip"
    r"|max_grad_norm|clip_norm|lora_alpha|lora_dropout|init_scale|decay|lr_scheduler_type"
    r"|random_state|noise|min_lr|lr_decay|l1|l2)$"
)


class Pace(msgspec.Struct, frozen=True):
    """How fast an attempt is: `rate` in steps (or rows) a second, lately; `usual` over its life.

    `key`: equal for comparable trials. `gpu`: the UUID of its only GPU, `place` its name; "": none,
    or several.
    """

    trial: int
    key: tuple[str, ...]
    rate: float
    usual: float
    running: bool
    gpu: str = ""
    place: str = ""


class Straggler(msgspec.Struct, frozen=True):
    trial: int
    share: float
    evidence: str


class SlowGpu(msgspec.Struct, frozen=True):
    uuid: str
    share: float
    message: str


def costly(parameters: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Those of the varying parameters that may change how long a step takes."""
    return tuple(
        one
        for one in parameters
        if not _FREE.search(re.sub(r"[^a-z0-9]+", "_", one.path[-1].lower()))
    )


def pace_key(parameters: Sequence[Parameter], params: Params) -> tuple[str, ...]:
    """Equal for trials of the same cost; `parameters` as `costly` gives them."""
    flat = flatten(params, parameters)
    return tuple(value_key(flat.get(one.path)) for one in parameters)


def stragglers(paces: Sequence[Pace], same: Sequence[Parameter]) -> list[Straggler]:
    """The running trials that are far slower than comparable ones; `same`: what these share."""
    # The lower median is somebody's own speed: never are most of them slow beside the rest.
    found = []
    for one in paces:
        if not one.running:
            continue
        others = [it for it in paces if it.trial != one.trial and it.key == one.key]
        now = [it for it in others if it.running]
        if len(now) >= OTHERS:  # they share the machine as it is now
            usual = statistics.median_low(it.rate for it in now)
            who = words.several(len(now), "comparable trial") + " beside it"
        elif len(others) >= OTHERS:
            usual = statistics.median_low(it.usual for it in others)
            who = words.several(len(others), "comparable trial")
        else:
            continue
        if usual <= 0 or one.rate >= SLOW * usual:
            continue
        alike = ", ".join(visible(it.name, limit=40) for it in same[:4])
        beside = f" with the same {alike}" if alike else ""
        where = f" on {visible(one.place, limit=20)}" if one.place else ""
        found.append(
            Straggler(
                one.trial,
                round(one.rate / usual, 3),
                f"{one.rate:.3g} steps a second{where}, {one.rate / usual:.2g} of the median "
                f"{usual:.3g} of {who}{beside}",
            )
        )
    return found


def slow_gpus(paces: Sequence[Pace]) -> list[SlowGpu]:
    """GPUs on which every trial is slower than comparable ones elsewhere."""
    found = []
    for uuid in dict.fromkeys(one.gpu for one in paces if one.gpu):
        here = [one for one in paces if one.gpu == uuid]
        shares: dict[int, float] = {}
        compared: set[int] = set()
        for one in here:
            elsewhere = [it for it in paces if it.gpu and it.gpu != uuid and it.key == one.key]
            if len(elsewhere) >= OTHERS:
                compared |= {it.trial for it in elsewhere}
                shares[one.trial] = one.usual / statistics.median_low(it.usual for it in elsewhere)
        if len(shares) < ON_A_GPU or max(shares.values()) >= SLOW_GPU:
            continue
        share = statistics.median(shares.values())
        named = ", ".join(trial_id(number) for number in sorted(shares)[:6])
        label = visible(here[0].place, limit=20)
        found.append(
            SlowGpu(
                uuid,
                share,
                f"trials on {label} run at {share:.2g} of the speed of the others ({named}, beside "
                f"{len(compared)} comparable ones elsewhere): look at its clocks, heat and "
                "neighbours with `tuiswp gpus`",
            )
        )
    return found
