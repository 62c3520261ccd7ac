"""A person's command line against the options of its script: what it gives, what stays. Pure."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from tuiswp.scripts.options import Interface, ScriptOption, typed

# Where scripts write; each trial has a directory of its own.
_PLACES = (
    "output_dir", "out_dir", "outdir", "output", "out", "log_path", "log_dir", "logdir", "save_dir",
    "savedir", "save_path", "checkpoint_dir", "ckpt_dir", "run_dir", "results_dir",
    "default_root_dir",
)  # fmt: skip
TRIAL_DIR = "${trial_dir}"


class Word(NamedTuple):
    """One or two words of a command that give an option a value."""

    option: ScriptOption
    value: str
    first: int
    after: int  # the words argv[first:after]


def given_in(argv: Sequence[str], interface: Interface) -> list[Word]:
    """The options with a value in `argv`, in its order."""
    found, at = [], 0
    if not interface.macro:
        return []
    while at < len(argv):
        word = argv[at]
        name, equals, value = word.partition("=")
        bare = interface.macro == "${args_no_hyphens}"
        option = interface.find(name) if word.startswith("-") or (bare and equals) else None
        at += 1
        if option is None or (option.flag and not equals):
            continue
        if equals:
            found.append(Word(option, value, at - 1, at))
        elif at < len(argv):
            found.append(Word(option, argv[at], at - 1, at + 1))
            at += 1
    return found


def with_given(interface: Interface, argv: Sequence[str]) -> Interface:
    """The options with what the command gives as their defaults: that is what runs now."""
    given = {word.option.name: typed(word.value) for word in given_in(argv, interface)}
    options = tuple(
        msgspec.structs.replace(one, default=given[one.name]) if one.name in given else one
        for one in interface.options
    )
    return msgspec.structs.replace(interface, options=options)


def without(argv: Sequence[str], interface: Interface, names: Collection[str]) -> list[str]:
    """`argv` without the words that give these options a value: a sweep gives them."""
    gone: set[int] = set()
    for word in given_in(argv, interface):
        if word.option.name in names:
            gone.update(range(word.first, word.after))
    return [word for at, word in enumerate(argv) if at not in gone]


def place_option(interface: Interface) -> ScriptOption | None:
    """The option that says where the script writes; None if none is named so."""
    for name in _PLACES:
        for one in interface.options:
            if one.name.replace("-", "_") == name and not one.flag and not one.choices:
                return one if one.default is None or isinstance(one.default, str) else None
    return None


def into_trial(argv: Sequence[str], interface: Interface) -> tuple[list[str], list[str]]:
    """`argv` without its own output directory, and the words that give it that of the trial."""
    place = place_option(interface)
    if interface.scratch:
        names = {word.partition("=")[0].removeprefix("--") for word in interface.scratch}
        kept = [word for word in argv if word.partition("=")[0] not in names]
        return without(kept, interface, names), list(interface.scratch)
    if place is None or not interface.macro:
        return list(argv), []
    inside = TRIAL_DIR if place.name == "log_path" else f"{TRIAL_DIR}/out"
    dashes = "" if interface.macro == "${args_no_hyphens}" else "--"
    return without(argv, interface, {place.name}), [f"{dashes}{place.name}={inside}"]
