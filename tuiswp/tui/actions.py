"""The one list of what a person can do: keys, footer, help, palette and command line read it.

Pure: it draws nothing and sends nothing. Lower case looks, UPPER case touches a process; every
exception is in `REVERSES`, `OPENS` and `REVERSIBLE`, and a test holds the table to that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec
from textual.binding import Binding

from tuiswp.controller.requests import Request, Verb, new_request
from tuiswp.model.ids import trial_id

# A group of actions that belong together on a screen or a pane.
Scope: TypeAlias = Literal[
    "app",
    "sweep",
    "table",
    "view",
    "chart",
    "act",
    "trial",
    "results",
    "events",
    "compare",
    "columns",
    "home",
    "landscape",
    "steer",
]

# Which groups answer a key in a place, the nearest first. No key may be twice in one chain.
CHAINS: Mapping[str, tuple[Scope, ...]] = {
    "table": ("table", "view", "act", "steer", "sweep", "app"),
    "chart": ("chart", "view", "act", "steer", "sweep", "app"),
    "trial": ("trial", "view", "act", "steer", "app"),
    "results": ("results", "steer", "app"),
    "events": ("events", "app"),
    "compare": ("compare", "view", "chart", "app"),
    "columns": ("columns", "app"),
    "home": ("home", "app"),
    "landscape": ("landscape", "act", "steer", "app"),
}

# Shifted letters that look: the same the other way round, or a whole screen.
REVERSES: Mapping[str, str] = {
    "sort_reverse": "sort",
    "home_reverse": "home_sort",
    "smooth_more": "smooth_less",
    "log_x": "log_y",
    "metric_previous": "metric_next",
    "last": "first",
    "parameter_previous": "parameter_next",
}
# What is filled in before it is asked for: each opens a form, and the form makes the request.
FORMS = frozenset({"clone", "add_points", "extend", "settings", "replicate"})
# What touches processes in a way of its own: where there is no controller to ask, what the results
# screen makes of the points it offers, and the forms.
UNASKED = frozenset({"start_controller", "answer"}) | FORMS
# What changes how a trial is treated, touches no process, and is taken back by the same key: it is
# asked for at once, and its key is lower case.
REVERSIBLE = frozenset({"pin", "unpin"})
OPENS = frozenset({"screenshot", "compare", "events", "results", "landscape"})

_SHOWN: Mapping[str, str] = {
    "question_mark": "?", "escape": "esc", "slash": "/", "full_stop": ".", "comma": ",",
    "asterisk": "*", "plus": "+", "equals_sign": "=", "minus": "-", "exclamation_mark": "!",
    "ampersand": "&", "left_square_bracket": "[", "right_square_bracket": "]",
    "left_curly_bracket": "{", "right_curly_bracket": "}",
    "colon": ":", "ctrl+p": "^p", "ctrl+z": "^z", "f1": "F1", "up": "↑", "down": "↓", "left": "←",
    "right": "→", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
    "shift+tab": "shift-tab",
    "shift+left": "shift-←", "shift+right": "shift-→",
}  # fmt: skip


class Action(msgspec.Struct, frozen=True):
    """One thing a person can do.

    `keys`: Textual's key names, () for the palette alone. `label`: for the footer. `help`: one
    sentence. `command`: the same from a shell, with `{sweep}` and `{trials}`; None: none does it.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    scope: Scope
    touches_process: bool = False
    command: str | None = None


class _Asks(msgspec.Struct, frozen=True):
    """The request behind an action; `sweep`: it names no trials."""

    verb: Verb
    sweep: bool = False
    now: bool = False
    fresh: bool = False


def _act(id: str, key: str, label: str, help: str, command: str) -> Action:
    return Action(id, (key,) if key else (), label, help, "act", True, command)


def _steer(id: str, key: str, label: str, help: str, command: str) -> Action:
    return Action(id, (key,), label, help, "steer", True, command)


ACTIONS: tuple[Action, ...] = (
    Action("help", ("question_mark", "f1"), "help", "Show what every key does here.", "app",
           command="tuiswp --help"),
    Action("quit", ("q",), "quit", "Leave this screen; from the sweep, leave the interface. The "
           "trials go on.", "app"),
    Action("back", ("escape",), "back", "One level back: clear a filter, the marks, or leave this "
           "screen. It never quits.", "app"),
    Action("palette", ("ctrl+p", "colon"), "commands", "Find an action by its name.", "app"),
    Action("suspend", ("ctrl+z",), "suspend", "Go to the shell; `fg` comes back.", "app"),
    Action("next_pane", ("tab",), "pane", "Go to the next pane.", "app"),
    Action("previous_pane", ("shift+tab",), "pane back", "Go to the previous pane.", "app"),
    Action("up", ("up", "k"), "up", "Move up.", "app"),
    Action("down", ("down", "j"), "down", "Move down.", "app"),
    Action("left", ("left",), "left", "Move left: columns, cross-hair, the steps in sight.", "app"),
    Action("right", ("right",), "right", "Move right: columns, cross-hair, the steps in sight.",
           "app"),
    Action("page_up", ("pageup",), "page up", "Move up one page.", "app"),
    Action("page_down", ("pagedown",), "page down", "Move down one page.", "app"),
    Action("first", ("g", "home"), "first", "Go to the beginning.", "app"),
    Action("last", ("G", "end"), "last", "Go to the end.", "app"),
    Action("freeze", ("p",), "freeze", "Hold the picture still while the trials go on.", "app"),
    Action("screenshot", ("P",), "picture", "Save this screen as an SVG file.", "app"),
    Action("results", ("O",), "results", "Show the table, the optimum and what it means.", "app",
           command="tuiswp results {sweep}"),
    Action("events", ("L",), "events", "Show everything that happened, newest first.", "app"),
    Action("start_controller", ("W",), "wake", "Start a controller for the sweep when none runs.",
           "app", True, "tuiswp resume {sweep}"),
    Action("write", ("w",), "write", "Write the results as CSV, JSON, Markdown or LaTeX, where "
           "tuiswp was started.", "app",
           command="tuiswp results --json {sweep}"),

    Action("home_open", ("enter",), "open", "Open the sweep; esc comes back to the list.", "home"),
    Action("home_filter", ("slash",), "filter", "Show only sweeps that match, as you type; -word: "
           "only others.", "home"),
    Action("home_sort", ("s",), "sort", "Sort by what comes next: last, sweep, state, best.",
           "home"),
    Action("home_reverse", ("S",), "reverse", "Sort the other way round.", "home"),

    Action("pane_1", ("1",), "trials", "Show or hide the trials.", "sweep"),
    Action("pane_2", ("2",), "charts", "Show or hide the charts.", "sweep"),
    Action("pane_3", ("3",), "GPUs", "Show or hide the GPUs.", "sweep"),
    Action("pane_4", ("4",), "log", "Show or hide what the trial printed.", "sweep"),
    Action("compare", ("C",), "compare", "Compare the marked trials: only what differs.", "sweep"),
    Action("scrub_back", ("left_square_bracket",), "earlier", "Show the whole sweep as it was a "
           "step earlier.", "sweep"),
    Action("scrub_forward", ("right_square_bracket",), "later", "A step later; at the end it is "
           "live again.", "sweep"),
    Action("scrub_far_back", ("left_curly_bracket",), "far earlier", "Ten steps earlier.", "sweep"),
    Action("scrub_far_forward", ("right_curly_bracket",), "far later", "Ten steps later.", "sweep"),
    Action("landscape", ("M",), "map", "Show the search space as a map: every trial in its place.",
           "sweep"),
    Action("log", ("l",), "output", "Show what the trial printed.", "sweep",
           command="tuiswp logs {sweep} {trials}"),

    Action("open", ("enter",), "open", "Open the trial: its curves, parameters, attempts and log.",
           "table", command="tuiswp explain {sweep} {trials}"),
    Action("filter", ("slash",), "filter", "Show only what matches, as you type.", "table"),
    Action("sort", ("s",), "sort", "Sort by the chosen column; shows rows that would move.",
           "table"),
    Action("sort_reverse", ("S",), "reverse", "Sort the other way round.", "table"),
    Action("column_left", ("comma",), "column", "Choose the column to the left for sorting.",
           "table"),
    Action("column_right", ("full_stop",), "column", "Choose the column to the right for sorting.",
           "table"),
    Action("columns", ("c",), "columns", "Choose which columns are shown, and in which order.",
           "table"),
    Action("mark", ("space",), "mark", "Mark the trial, or take the mark off.", "table"),
    Action("mark_range", ("v",), "range", "Mark from here to where you move.", "table"),
    Action("mark_invert", ("asterisk",), "invert", "Mark what is not marked, and the other way "
           "round.", "table"),
    Action("reference", ("m",), "reference", "Compare the curves with this trial and draw it on "
           "top; again: with the best.", "table"),
    Action("copy", ("y",), "copy", "Copy the exact command line of the trial.", "table"),

    Action("column_shown", ("space",), "show or hide", "Show the column, or leave it out.",
           "columns"),
    Action("column_earlier", ("comma",), "earlier", "Move the column to the left.", "columns"),
    Action("column_later", ("full_stop",), "later", "Move the column to the right.", "columns"),
    Action("columns_filter", ("slash",), "filter", "Show only names that match, as you type.",
           "columns"),
    Action("columns_reset", ("r",), "automatic", "Let the width of the screen decide again.",
           "columns"),
    Action("columns_keep", ("enter", "c"), "done", "Keep the choice.", "columns"),

    Action("log_y", ("y",), "log y", "Logarithmic or linear y axis.", "chart"),
    Action("log_x", ("Y",), "log x", "Logarithmic or linear x axis.", "chart"),

    Action("smooth_less", ("e",), "smooth less", "Smooth the curves less.", "view"),
    Action("smooth_more", ("E",), "smooth more", "Smooth the curves more; the raw ones stay behind "
           "them.", "view"),
    Action("zoom_in", ("plus", "equals_sign"), "zoom in", "Show fewer steps, larger.", "view"),
    Action("zoom_out", ("minus",), "zoom out", "Show more steps.", "view"),
    Action("zoom_reset", ("0",), "whole", "Show all steps.", "view"),
    Action("crosshair", ("i",), "inspect", "Read the value of every curve at one step.", "view"),
    Action("full_pane", ("z",), "full pane", "Give this pane the whole screen, or give it back.",
           "view"),
    Action("x_kind", ("x",), "x axis", "Curves by step, by time or by progress.", "view"),
    Action("far_left", ("shift+left",), "far left", "Move the cross-hair ten columns to the left.",
           "view"),
    Action("far_right", ("shift+right",), "far right", "Move the cross-hair ten columns to the "
           "right.", "view"),
    Action("metric_next", ("n",), "next metrics", "Show the next metrics.", "view"),
    Action("metric_previous", ("N",), "last metrics", "Show the metrics before.", "view"),

    Action("attach", ("a",), "attach", "Go to the trial's own window; detach to come back.", "act",
           command="tuiswp attach {sweep} {trials}"),
    Action("shell", ("exclamation_mark",), "shell", "Open a shell in the trial's directory.",
           "act"),
    _act("terminate", "T", "terminate", "End the trials: TERM, then KILL after the grace time.",
         "tuiswp kill {sweep} {trials}"),
    _act("kill", "K", "kill", "End the trials at once, without grace.",
         "tuiswp kill --now {sweep} {trials}"),
    _act("interrupt", "I", "interrupt", "Send INT to the trials, as ctrl-c does: they may save and "
         "leave, or go on.", "tuiswp interrupt {sweep} {trials}"),
    _act("restart", "R", "restart", "Run the trials again: in the same directory, from nothing, "
         "with another seed, or edited; it asks which.", "tuiswp restart {sweep} {trials}"),
    _act("restart_fresh", "F", "from nothing", "Run the trials again; their files are moved aside "
         "first.", "tuiswp restart --fresh {sweep} {trials}"),
    _act("clone", "D", "clone", "Duplicate the trials, with parameters edited or as they are.",
         "tuiswp clone {sweep} {trials}"),
    _act("front", "Q", "run next", "Move queued trials to the front of the queue.",
         "tuiswp front {sweep} {trials}"),
    Action("pin", ("t",), "pin", "Tack the trials, so that nothing prunes them; again lets go. "
           "The flag is PIN.", "act", command="tuiswp pin {sweep} {trials}"),
    Action("unpin", (), "unpin", "Let pinned trials go: they may be pruned.", "act",
           command="tuiswp unpin {sweep} {trials}"),
    _act("pause", "H", "hold", "Stop the trials and keep their place: hold them.",
         "tuiswp pause {sweep} {trials}"),
    _act("resume", "U", "unhold", "Go on with trials that are held.",
         "tuiswp resume {sweep} {trials}"),
    _act("pause_sweep", "B", "brake", "Start no new trials; running ones go on.",
         "tuiswp pause {sweep}"),
    _act("resume_sweep", "V", "go on", "Start new trials again.", "tuiswp resume {sweep}"),
    _act("stop_sweep", "X", "stop", "End the sweep; running trials finish.", "tuiswp stop {sweep}"),
    _act("stop_sweep_now", "", "stop now", "End the sweep and its running trials.",
         "tuiswp stop --now {sweep}"),

    _act("add_points", "A", "add points", "Add trials at points of your own, begun from what "
         "would complete a shape, else from the best.",
         "tuiswp add {sweep} NAME=VALUE,NAME=VALUE"),
    _steer("extend", "Z", "extend", "Resize the search: other ends, more or fewer values, how many "
           "trials.", "tuiswp extend {sweep} NAME=LOW..HIGH"),
    _steer("settings", "J", "adjust", "Adjust how many trials run at once and come in all, their "
           "retries and time, early stopping and the stop rules.",
           "tuiswp set {sweep} max_parallel=N"),

    Action("trial_copy", ("y",), "copy", "Copy the exact command line of this trial.", "trial"),
    Action("trial_follow", ("f",), "follow", "Stay at the end of what the trial prints.", "trial",
           command="tuiswp logs -f {sweep} {trials}"),
    Action("trial_filter", ("slash",), "filter", "Show only the lines of output that match.",
           "trial"),

    Action("trial_highlight", ("ampersand",), "highlight", "Highlight words in the output; hide "
           "nothing.", "trial"),
    Action("trial_parameters", ("1",), "parameters", "Go to the parameters; what is not as in the "
           "default is marked.", "trial"),
    Action("trial_attempts", ("2",), "attempts", "Go to the attempts: cause, evidence, time, GPU.",
           "trial", command="tuiswp explain {sweep} {trials}"),
    Action("trial_command", ("3",), "command", "Go to the exact command and what pins it to its "
           "place.", "trial"),
    Action("trial_processes", ("4",), "processes", "Go to the processes of the training.", "trial"),
    Action("trial_curves", ("5",), "curves", "Go to the curves.", "trial"),
    Action("trial_log", ("6",), "output", "Go to what the trial prints.", "trial",
           command="tuiswp logs {sweep} {trials}"),

    Action("axis_x", ("x",), "x axis", "Put the next parameter on the x axis.", "landscape"),
    Action("axis_y", ("y",), "y axis", "Put the next parameter on the y axis.", "landscape"),

    Action("events_filter", ("slash",), "filter", "Show only events that match, as you type.",
           "events"),
    Action("events_copy", ("y",), "copy", "Copy the events in sight.", "events"),
    Action("events_commands", ("x",), "commands", "Show only the commands that were run; copying "
           "gives them as they were.", "events"),
    Action("results_copy", ("y",), "copy", "Copy the answer.", "results"),
    Action("answer", ("A",), "add these", "Add the trials that are offered: beyond the edge, or on "
           "the arm that is missing.", "results", True),
    Action("replicate", ("R",), "repeat", "Repeat the best settings with other seeds on free "
           "places, until first beats second beyond noise.", "results", True,
           "tuiswp replicate {sweep}"),
    Action("what_if", ("o",), "rule", "Rank by another rule (last, mean, median, best) to look at; "
           "nothing of it is written.", "results"),
    Action("part_answer", ("1",), "answer", "Show the answer, what is doubtful, and the table.",
           "results"),
    Action("part_sure", ("2",), "how sure", "Show what the answer is worth: first against second, "
           "repeats, near-optimal values, hopeless trials.", "results"),
    Action("part_mattered", ("3",), "what mattered", "Show how much each parameter mattered, with "
           "its doubt.", "results", command="tuiswp results --review {sweep}"),
    Action("part_search", ("4",), "search", "Show where the search looked, the best over all "
           "axes, and the groups among them.", "results"),
    Action("part_early", ("5",), "early values", "Show whether early values tell the end: ranks at "
           "the kill points, and who survives under another metric.", "results"),
    Action("part_gradients", ("6",), "gradients", "Show the gradient norm by learning rate, and "
           "the share that is clipped.", "results"),
    Action("parameter_next", ("n",), "parameter", "Show the curve over the next parameter.",
           "results"),
    Action("parameter_previous", ("N",), "parameter", "Show the curve over the parameter before.",
           "results"),
)  # fmt: skip

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

_REQUESTS: Mapping[str, _Asks] = {
    "terminate": _Asks("kill"),
    "kill": _Asks("kill", now=True),
    "interrupt": _Asks("interrupt"),
    "restart": _Asks("restart"),
    "restart_fresh": _Asks("restart", fresh=True),
    "front": _Asks("front"),
    "pin": _Asks("pin"),
    "unpin": _Asks("unpin"),
    "pause": _Asks("pause"),
    "resume": _Asks("resume"),
    "pause_sweep": _Asks("pause", sweep=True),
    "resume_sweep": _Asks("resume", sweep=True),
    "stop_sweep": _Asks("stop", sweep=True),
    "stop_sweep_now": _Asks("stop", sweep=True, now=True),
}


def of_scope(*scopes: str) -> tuple[Action, ...]:
    """The actions of these groups, in the order of the groups and then of the table."""
    return tuple(action for scope in scopes for action in ACTIONS if action.scope == scope)


def reachable(place: str) -> tuple[Action, ...]:
    """What can be done in a place (`CHAINS`), the nearest first; elsewhere what works anywhere."""
    return of_scope(*CHAINS.get(place, ("app",)))


def bindings(*scopes: str) -> list[Binding]:
    """Textual's bindings of these groups: each key runs `action_do(id)` of where they are bound."""
    return [
        Binding(",".join(action.keys), f"do('{action.id}')", action.label, key_display=keys(action))
        for action in of_scope(*scopes)
        if action.keys
    ]


def keys(action: Action, *, ascii: bool = False) -> str:
    """The keys as a person reads them, `? F1`; with `ascii` the arrows are words."""
    shown = (_SHOWN.get(key, key) for key in action.keys)
    return " ".join(
        text if text.isascii() or not ascii else key
        for key, text in zip(action.keys, shown, strict=True)
    )


def footer(*ids: str) -> list[tuple[str, str]]:
    """(key, label) of these actions, for a footer: the first key of each."""
    chosen = [BY_ID[name] for name in ids]
    return [(_SHOWN.get(one.keys[0], one.keys[0]), one.label) for one in chosen if one.keys]


def by_key(key: str, *scopes: str) -> Action | None:
    """The action that a key as shown (`/`, `T`) has in these groups."""
    for action in of_scope(*scopes):
        if key in (_SHOWN.get(one, one) for one in action.keys):
            return action
    return None


def found(actions: Iterable[Action], text: str) -> Iterator[Action]:
    """Those whose key is `text`, or whose label, help, id or command hold each of its words.

    A single character is a key and nothing else: `K` is not every word with a k.
    """
    words = text.lower().split()
    is_key = len(text.strip()) == 1
    for action in actions:
        about = " ".join((action.id, action.label, action.help, action.command or "")).lower()
        shown = {_SHOWN.get(key, key) for key in action.keys}
        if text.strip() in shown or (not is_key and all(word in about for word in words)):
            yield action


def names_sweep(action_id: str) -> bool:
    """Does the action touch the whole sweep, whatever is selected?"""
    asks = _REQUESTS.get(action_id)
    return asks is not None and asks.sweep


def request_for(action_id: str, trials: Sequence[int]) -> Request | None:
    """The request that `action_id` makes for the trials of these numbers.

    None when the action asks nothing of the controller, or needs trials and has none: an empty list
    would mean the sweep.
    """
    asks = _REQUESTS.get(action_id)
    if asks is None or not (asks.sweep or trials):
        return None
    numbers = () if asks.sweep else tuple(dict.fromkeys(trials))
    return new_request(asks.verb, numbers, now=asks.now, fresh=asks.fresh)


def command_line(action: Action, sweep: str, trials: Sequence[int]) -> str | None:
    """What does the same from a shell; None if nothing does, or if it needs a trial and has none.

    `sweep`: as a person names it; it is quoted for a shell.
    """
    if action.command is None or ("{trials}" in action.command and not trials):
        return None
    import shlex

    named = " ".join(map(trial_id, trials))
    return action.command.replace("{sweep}", shlex.quote(sweep)).replace("{trials}", named)
