"""Random but plausible histories of a sweep, for property tests of journal and reducer."""

from hypothesis import strategies as st
from msgspec import UNSET

from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    BestChanged,
    ControllerStarted,
    ControllerStopped,
    Event,
    GpuQuarantined,
    GpuReleased,
    InterruptRequested,
    KillPointJudged,
    KillRequested,
    PhaseEnded,
    PhaseStarted,
    QueueMoved,
    ReplicationEnded,
    ReplicationStarted,
    RequestApplied,
    SettingsChanged,
    SpaceEdited,
    StopperChanged,
    SweepCreated,
    SweepFinished,
    SweepPaused,
    SweepResumed,
    SweepStopping,
    TrialAsked,
    TrialClosed,
    TrialPinned,
    TrialQueued,
    TrialSuggested,
    Warned,
)
from tuiswp.model.space import Categorical, LogUniform, Parameter
from tuiswp.model.stopper import Asha, Hyperband, Judged
from tuiswp.model.trial import KillRequest, Lease, Process

text = st.text(max_size=12)
numbers = st.integers(0, 4)
attempts = st.integers(1, 3)
process = st.builds(Process, st.just("boot"), st.integers(1, 99999), st.integers(0, 9999))
floats = st.floats(allow_nan=False, allow_infinity=False, width=32)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | floats | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
params = st.dictionaries(text, values, max_size=3)
uuids = st.sampled_from(["GPU-1", "GPU-2", "cpu", ""])
leases = st.lists(st.builds(Lease, uuids | text, st.integers(0, 3), text), max_size=2).map(tuple)
kill = st.builds(
    KillRequest,
    floats,
    text,
    text,
    st.sampled_from(["killed", "paused", "queued", "stopped"]),
    st.booleans(),
    st.booleans(),
)

parameters = st.lists(
    st.builds(
        Parameter,
        st.just(("x",)),
        st.builds(Categorical, st.lists(values, min_size=1, max_size=3).map(tuple))
        | st.builds(LogUniform, floats, floats, limits=st.none() | st.tuples(floats, floats)),
        text,
        st.dictionaries(text, text, max_size=2),
    ),
    max_size=2,
).map(tuple)
texts = st.lists(text, max_size=2).map(tuple)
settings = st.dictionaries(
    st.sampled_from(["max_parallel", "run_cap", "retries", "timeout", "hours"]),
    st.none() | st.integers(0, 99) | floats,
)

judged = st.builds(
    Judged,
    st.sampled_from(["hyperband", "asha"]),
    st.sampled_from(["report", "step", "progress", "epoch"]),
    *[floats] * 4,
    st.integers(1, 9),
    st.integers(1, 9),
    st.lists(numbers, max_size=2).map(tuple),
    st.booleans(),
)

event: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        PhaseStarted,
        st.integers(0, 3),
        text,
        parameters,
        text,
        st.none() | numbers,
        st.none() | st.lists(params, max_size=2).map(tuple),
        st.none() | st.integers(0, 9),
    ),
    st.builds(
        PhaseEnded,
        st.integers(0, 3),
        text,
        text,
        st.none() | numbers,
        st.booleans(),
        st.lists(numbers, max_size=2).map(tuple),
    ),
    st.builds(
        GpuQuarantined,
        uuids,
        text,
        text,
        text,
        st.lists(st.tuples(numbers, attempts), max_size=4).map(tuple),
    ),
    st.builds(GpuReleased, uuids, text, text, text, st.booleans()),
    st.builds(KillPointJudged, numbers, attempts, judged),
    st.builds(
        StopperChanged,
        st.none() | st.builds(Hyperband, floats) | st.builds(Asha, floats),
        text,
        texts,
        text,
        st.booleans(),
    ),
    st.builds(SweepCreated, text, text, text, text),
    st.builds(ControllerStarted, process, text, text),
    st.builds(ControllerStopped, text),
    st.builds(
        TrialSuggested,
        numbers,
        params,
        text,
        st.sampled_from(["baseline", "grid", "random"]),
        st.none() | st.integers(0, 9),
    ),
    st.builds(AttemptLaunching, numbers, attempts, text, leases, text),
    st.builds(AttemptStarted, numbers, attempts, process, process, st.booleans()),
    st.builds(KillRequested, numbers, attempts, kill),
    st.builds(
        AttemptEnded,
        numbers,
        attempts,
        st.sampled_from(["done", "exit-code", "signal", "unknown", "gpu-oom", "diverged"]),
        text,
        st.sampled_from(["done", "failed", "killed", "lost", "paused", "queued"]),
        value=st.none() | floats,
        complete=st.booleans(),
        retry=st.booleans(),
        retry_at=floats,
        raised=st.just(UNSET) | text,
    ),
    st.builds(TrialQueued, numbers, text, st.booleans()),
    st.builds(TrialClosed, numbers, st.sampled_from(["killed", "paused"]), text),
    st.builds(SweepPaused, text, text),
    st.builds(SweepResumed, text),
    st.builds(
        SweepStopping,
        text,
        st.booleans(),
        st.none() | st.sampled_from(["same_best", "hours"]),
        text,
    ),
    st.builds(SweepFinished, text),
    st.builds(RequestApplied, text, text, text, st.booleans(), text),
    st.builds(BestChanged, numbers, floats),
    st.builds(Warned, text, text),
    st.builds(InterruptRequested, numbers, attempts, text, text),
    st.builds(
        TrialAsked,
        numbers,
        params,
        text,
        st.sampled_from(["point", "clone"]),
        text,
        text,
        st.none() | numbers,
        text,
        texts,
    ),
    st.builds(TrialPinned, numbers, text, st.booleans(), text),
    st.builds(QueueMoved, st.lists(numbers, max_size=4).map(tuple), text, text),
    st.builds(
        SpaceEdited, parameters, text, texts, text, st.none() | st.integers(0, 9), st.booleans()
    ),
    st.builds(SettingsChanged, settings, text, texts, text, st.booleans()),
    st.builds(ReplicationStarted, st.integers(2, 9), st.integers(2, 9), text, text),
    st.builds(ReplicationEnded, st.booleans(), text),
)
history = st.lists(event, max_size=30)
