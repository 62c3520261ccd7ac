"""Forms as data: what stands in them, what they say of what is typed, the request they make."""

import math

import pytest
from msgspec.structs import replace

from tests.analysis.builders import choice, constant, ended, over, sweep_of
from tests.tui.snapshots import snapshot
from tuiswp.analysis.findings import Diagnosis, Remedy
from tuiswp.errors import UsageError
from tuiswp.model.edits import RangeEdit
from tuiswp.model.space import IntUniform, LogUniform, Normal, Parameter, Params, Uniform
from tuiswp.model.stopper import Asha
from tuiswp.model.sweep import Sweep
from tuiswp.spec.values import parse_value, typed
from tuiswp.tui.forms.add import add_form, point_text
from tuiswp.tui.forms.base import Form
from tuiswp.tui.forms.clone import clone_form, seeded
from tuiswp.tui.forms.extend import extend_form
from tuiswp.tui.forms.replicate import replicate_form
from tuiswp.tui.forms.settings import settings_form
from tuiswp.tui.snapshot import Snapshot

RATE = over(
    "lr",
    LogUniform(math.log(1e-5), math.log(1e-1), None, False, (1e-5, 1e-1)),
    "log_uniform_values",
)
SPACE = (
    RATE,
    over("wd", Uniform(0.0, 0.5)),
    over("depth", IntUniform(2, 8), "int_uniform"),
    over("noise", Normal(0.0, 1.0), "normal"),
    choice("opt", ("adam", "sgd")),
    constant("steps", 60),
)
POINT: Params = {"lr": 1e-3, "wd": 0.1, "depth": 4, "noise": 0.5, "opt": "adam", "steps": 60}


def random_sweep(**given: object) -> Sweep:
    return replace(sweep_of(*SPACE), method="random", run_cap=20, **given)


def moment(sweep: Sweep | None = None) -> Snapshot:
    sweep = random_sweep() if sweep is None else sweep
    trials = [
        ended(0, POINT, value=2.0),
        ended(1, {**POINT, "lr": 2e-3, "opt": "sgd"}, value=1.9),
    ]
    return snapshot(trials, sweep=sweep)


def test_a_clone_of_a_trial_that_ran_out_of_gpu_memory_is_offered_half_the_batch() -> None:
    space = (RATE, constant("batch_size", 8), constant("gradient_accumulation_steps", 2))
    point: Params = {"lr": 1e-3, "batch_size": 8, "gradient_accumulation_steps": 2}
    sweep = replace(sweep_of(*space), method="random", run_cap=20)
    full = ended(0, point, None, state="failed", cause="gpu-oom")
    form = clone_form(snapshot([full, ended(1, point, value=2.0)], sweep=sweep), [0])
    assert form is not None
    assert "ran out of GPU memory" in form.about
    offered = {field.label: field.given for field in form.fields if field.given}
    assert offered == {"batch_size": "4", "gradient_accumulation_steps": "4"}
    assert form.plan({}).request.points == ({"batch_size": 4, "gradient_accumulation_steps": 4},)
    kept = form.plan({"batch_size": "8", "gradient_accumulation_steps": "2"})
    assert not kept.request.points
    other = clone_form(snapshot([full, ended(1, point, value=2.0)], sweep=sweep), [1])
    assert other is not None and not any(field.given for field in other.fields)


def texts(form: Form | None) -> dict[str, str]:
    assert form is not None
    return {field.label: field.text for field in form.fields}


def said(form: Form | None, label: str, text: str) -> str:
    assert form is not None
    [field] = [field for field in form.fields if field.label == label]
    return field.check(text)


def test_ranges_and_lists_stand_as_one_would_type_them_and_what_has_no_ends_does_not() -> None:
    shown = texts(extend_form(moment()))
    assert shown == {
        "lr": "1e-05..0.1",
        "wd": "0.0..0.5",
        "depth": "2..8",
        "opt": "adam,sgd",
        "steps": "60",
        "count": "20",
        "why": "",
    }


def test_what_becomes_of_a_range_is_said_as_it_is_typed() -> None:
    form = extend_form(moment())
    assert said(form, "lr", "1e-05..0.1") == ""
    assert "max=1" in said(form, "lr", "1e-5..1")
    assert said(form, "opt", "+=lion") == "opt: adam, sgd → adam, sgd, lion"
    assert said(form, "opt", "-=sgd") == "opt: adam, sgd → adam"
    for text in ("1e-1..1e-5", "fast..slow", "0..1"):
        with pytest.raises(UsageError):
            said(form, "lr", text)
    with pytest.raises(UsageError, match="whole"):
        said(form, "depth", "2..8.5")


def test_an_extension_names_only_what_was_changed_and_the_count() -> None:
    form = extend_form(moment())
    assert form is not None
    ready = form.plan({"lr": "..1", "depth": "2..8", "count": "40", "why": "the edge won"})
    assert ready.request.edits == (RangeEdit(("lr",), "range", None, 1),)
    assert ready.request.settings == {"run_cap": 40}
    assert ready.request.why == "the edge won"
    assert "20 trials more, 40 in all." in ready.question.rest
    assert ready.question.command == "tuiswp extend lr lr=..1 --count 40"


def test_an_extension_that_changes_nothing_is_refused() -> None:
    form = extend_form(moment())
    assert form is not None
    for given in ({}, {"lr": ""}, {"lr": "1e-5..1e-1"}):
        with pytest.raises(UsageError):
            form.plan(given)


def test_a_field_for_several_trials_holds_what_they_share_and_is_empty_where_they_differ() -> None:
    form = clone_form(moment(), [0, 1])
    shown = texts(form)
    assert (shown["lr"], shown["opt"], shown["depth"]) == ("", "", "4")
    assert form is not None
    ready = form.plan({"depth": "6"})
    assert ready.request.points == ({"depth": 6},)
    assert ready.question.trials == ("t0000: depth=6", "t0001: depth=6")


def test_the_types_of_a_clone_are_those_of_its_parameters() -> None:
    form = clone_form(moment(), [0])
    assert form is not None
    point = form.plan({"lr": "1e-4", "depth": "3", "opt": "sgd", "steps": "90"}).request.points
    assert point == ({"lr": 1e-4, "depth": 3, "opt": "sgd", "steps": 90},)
    with pytest.raises(UsageError, match="a whole number from 2 to 8"):
        form.plan({"depth": "3.5"})


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1001"])
def test_so_many_copies_there_cannot_be(text: str) -> None:
    form = clone_form(moment(), [0])
    with pytest.raises(UsageError, match="copies"):
        said(form, "copies", text)


def test_copies_of_the_same_point_are_points_without_a_change() -> None:
    form = clone_form(moment(), [0])
    assert form is not None
    ready = form.plan({"copies": "3"})
    assert ready.request.points == ({}, {}, {})
    assert ready.question.command == "tuiswp clone lr t0000 t0000 t0000"


def test_another_seed_is_one_that_no_trial_has_had() -> None:
    assert seeded(moment(), [0]) is None
    inner = Parameter(("data", "shuffle_seed"), over("x", IntUniform(0, 9)).distribution, "int")
    sweep = random_sweep(parameters=(*SPACE, inner))
    trials = [ended(n, {**POINT, "data": {"shuffle_seed": n + 3}}, value=1.0) for n in (0, 1)]
    found = seeded(snapshot(trials, sweep=sweep), [0])
    assert found is not None
    assert found.point == {"data": {"shuffle_seed": 5}}
    assert found.told == "data.shuffle_seed=5"


def test_points_begin_with_the_best_or_with_what_would_complete_a_shape() -> None:
    first = texts(add_form(moment()))["point 1"]
    assert first == point_text(SPACE, {**POINT, "lr": 2e-3, "opt": "sgd"}) or "lr=" in first
    ready = add_form(moment())
    assert ready is not None
    made = ready.plan({"point1": "", "point0": "lr=1e-4,opt=sgd"}).request
    assert made.points[0] == {"lr": 1e-4, "opt": "sgd"}


def test_a_point_is_written_so_that_it_reads_back() -> None:
    text = point_text(SPACE, {**POINT, "lr": 3e-05})
    assert text == "lr=3e-05,wd=0.1,depth=4,noise=0.5,opt=adam"
    assert "\x1b" not in point_text((choice("opt", ("\x1b[31m", "b")),), {"opt": "\x1b[31m"})


@pytest.mark.parametrize("parameter", SPACE, ids=lambda parameter: parameter.name)
def test_a_value_as_typed_reads_back_as_itself(parameter: Parameter) -> None:
    value = POINT[parameter.name]
    assert parse_value(parameter, typed(parameter, value)) == value


def test_settings_stand_as_they_are_and_none_means_no_limit() -> None:
    sweep = random_sweep()
    form = settings_form(moment(replace(sweep, run=replace(sweep.run, timeout_s=90.0))))
    assert texts(form)["timeout"] == "90s"
    assert form.plan({"timeout": "none", "retries": "4"}).request.settings == {
        "timeout": None,
        "retries": 4,
    }
    with pytest.raises(UsageError, match="no time above 0"):
        said(form, "timeout", "soon")


def test_repeats_of_the_best_ask_for_what_the_command_line_asks_for() -> None:
    form = replicate_form(moment())
    assert texts(form) == {"settings": "2", "runs of each": "5", "why": ""}
    assert form is not None
    ready = form.plan({"top": "2", "seeds": "3", "why": "is it luck?"})
    assert (ready.request.verb, ready.request.top, ready.request.seeds) == ("replicate", 2, 3)
    assert ready.request.why == "is it luck?"
    assert ready.question.command == "tuiswp replicate lr --top 2 --seeds 3"
    assert ready.question.trials == ("t0001: 1.9000, 1 run so far", "t0000: 2.0000, 1 run so far")
    assert "at most 4 trials more" in ready.question.rest
    assert "the script has to draw its own" in ready.question.rest


@pytest.mark.parametrize("text", ["1", "0", "2.5", "many", "101", "-3"])
def test_so_many_runs_of_each_there_cannot_be(text: str) -> None:
    form = replicate_form(moment())
    with pytest.raises(UsageError, match="runs of each"):
        said(form, "runs of each", text)
    assert form is not None
    with pytest.raises(UsageError):
        form.plan({"seeds": text})


def test_more_settings_than_have_a_result_are_remarked_on_and_without_a_metric_is_no_form() -> None:
    assert "so far 2 settings" in said(replicate_form(moment()), "settings", "3")
    assert replicate_form(moment(replace(random_sweep(), objective=None))) is None


def test_opened_from_the_results_an_extension_begins_with_what_the_findings_ask_for() -> None:
    higher = Remedy("extend", "raises the max of lr to 1", (RangeEdit(("lr",), "range", high=1.0),))
    lower = Remedy("extend", "lowers it", (RangeEdit(("lr",), "range", high=1e-3),))
    strange = Remedy("extend", "adds none", (RangeEdit(("gone",), "add", values=(3,)),))
    found = [Diagnosis("edge-of-range", "info", "m", "s", one) for one in (higher, lower, strange)]
    one = replace(moment(), diagnoses=(Diagnosis("tie", "info", "m", "s"), *found))
    assert texts(extend_form(one))["lr"] == "1e-05..0.1"
    form = extend_form(one, remedied=True)
    assert form is not None
    [field] = [field for field in form.fields if field.given]
    assert (field.label, field.text, field.first) == ("lr", "1e-05..0.1", "1e-05..1.0")
    assert form.about == "Begun with what the findings ask for: raises the max of lr to 1."
    ready = form.plan({field.key: field.first for field in form.fields})
    assert ready.request.edits == (RangeEdit(("lr",), "range", 1e-5, 1.0),)
    with pytest.raises(UsageError, match="nothing is changed"):
        form.plan({field.key: field.text for field in form.fields})


def test_the_rule_of_early_stopping_is_changed_with_its_kill_points_in_every_unit() -> None:
    sweep = random_sweep(length={"step": 900.0, "report": 90.0})
    form = settings_form(moment(sweep))
    typed = "asha:min_resource=100,eta=3,resource=step"
    points = "kill points: step 100, 300, 900 = report 10, 30, 90 = progress 0.111111, 0.333333, 1"
    assert said(form, "early_stop", typed) == points
    ready = form.plan({"early_stop": typed, "why": "too slow"})
    assert ready.request.stopper == Asha(100.0, 3.0, "step")
    assert ready.request.settings == {}
    assert ready.question.trials == (
        "early_stop: none → asha(min_resource=100.0, eta=3.0, resource=step)", points,
    )  # fmt: skip
    assert "pinned" in ready.question.effect
    line = "tuiswp set lr early_stop=asha:min_resource=100,eta=3,resource=step"
    assert ready.question.command == line


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("asha:min_resource=1000,resource=step", "can never stop a trial"),
        ("asha:eta=0.5,min_resource=3", "eta"),
        ("halving", "halving"),
        ("asha", "min_resource is missing"),
    ],
)
def test_a_rule_that_can_never_fire_or_is_none_is_refused_as_it_is_typed(
    typed: str, says: str
) -> None:
    form = settings_form(moment(random_sweep(length={"step": 900.0})))
    with pytest.raises(UsageError, match=says) as refused:
        said(form, "early_stop", typed)
    assert "\n" not in str(refused.value)
    with pytest.raises(UsageError):
        form.plan({"early_stop": typed})


def test_of_a_file_that_does_not_say_how_long_a_run_is_the_trials_so_far_tell() -> None:
    one = moment(random_sweep(stopper=Asha(10.0, 2.0, "step")))
    rows = tuple(replace(row, step=40.0) for row in one.rows)
    form = settings_form(replace(one, rows=rows))
    assert texts(form)["early_stop"] == "asha:min_resource=10,eta=2,resource=step"
    told = said(form, "early_stop", "asha:min_resource=5,eta=2,resource=step")
    assert told.startswith("kill points: step 5, 10, 20")
    assert told.endswith(", if runs are as long as those so far")
    assert form.plan({"early_stop": "none"}).request.stopper == "none"


def test_stop_rules_and_the_target_are_set_where_the_sweep_has_none_and_fit_together() -> None:
    form = settings_form(moment())
    assert {"same_best", "target", "over", "failures"} <= set(texts(form))
    ready = form.plan({"target": "1.5", "min_improvement": "0.1%", "over": "30"})
    assert ready.request.settings == {"target": 1.5, "min_improvement": 0.001, "over": 30}
    assert "target: no such rule → 1.5" in ready.question.trials
    with pytest.raises(UsageError, match="over belongs to min_improvement"):
        form.plan({"over": "30"})
    without = texts(settings_form(moment(replace(random_sweep(), objective=None))))
    assert "early_stop" not in without
    assert "target" not in without
    assert "hours" in without
