"""What a phase of a sweep file does, in a few words. Pure; safe to print."""

from tuiswp.model.sweep import Phase, Sweep
from tuiswp.spec.params import describe, is_swept, value_label
from tuiswp.text import visible


def phase_words(sweep: Sweep, phase: Phase) -> list[str]:
    """What it searches and sets, under which conditions, what ends it; one text each."""
    found = []
    if phase.validate is not None:
        one = phase.validate
        found.append(f"the best {one.top} settings again, each with {one.seeds} new seeds")
    elif phase.transfer is not None:
        found.append(f"the best {phase.transfer.top} settings again, once each")
        names = {one.path: one.name for one in sweep.parameters}
        found += [
            f"{visible(names[path], limit=40)} = {visible(text, limit=80)}"
            for path, text in phase.transfer.adjust
        ]
    else:
        method = phase.method or sweep.method
        found.append(f"{phase.sampler or method} over {_searched(sweep, phase)}")
    if phase.refine is not None:
        found.append(f"near the best, by a factor of {phase.refine.factor:g}")
    known = {one.path: one for one in sweep.parameters}
    found += [
        f"{visible('.'.join(path), limit=40)}={value_label(known[path], value)}"
        for path, value in phase.set
    ]
    if phase.only_if is not None:
        found.append(f"only if {visible(phase.only_if, limit=80)}")
    if phase.keep_if is not None:
        found.append(f"kept only if more than {100 * phase.keep_if:g}% better")
    if phase.hours is not None:
        found.append(f"at most {phase.hours:g} hours")
    if phase.gpu_hours is not None:
        found.append(f"at most {phase.gpu_hours:g} GPU-hours")
    return found


def _searched(sweep: Sweep, phase: Phase) -> str:
    own, given = {one.path: one for one in phase.ranges}, {path for path, _ in phase.set}
    here = []
    for one in sweep.parameters:
        if one.path in given or not (
            is_swept(one) if phase.searches is None else one.path in phase.searches
        ):
            continue
        name = visible(one.name, limit=40)
        here.append(f"{name} ({describe(own[one.path])})" if one.path in own else name)
    return ", ".join(here) or "nothing: one run of the best so far"
