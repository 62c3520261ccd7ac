"""Random but plausible histories of a sweep, for property tests of journal and reducer."""

from hypothesis import strategies as st

from tuiswp.model.events import (
    AttemptEnded,
    AttemptLaunching,
    AttemptStarted,
    BestChanged,
    ControllerStarted,
    ControllerStopped,
    Event,
    KillRequested,
    RequestApplied,
    SweepCreated,
    SweepFinished,
    SweepPaused,
    SweepResumed,
    SweepStopping,
    TrialClosed,
    TrialQueued,
    TrialSuggested,
    Warned,
)
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
leases = st.lists(st.builds(Lease, text, st.integers(0, 3), text), max_size=2).map(tuple)
kill = st.builds(
    KillRequest,
    floats,
    text,
    text,
    st.sampled_from(["killed", "paused", "queued", "stopped"]),
    st.booleans(),
    st.booleans(),
)

event: st.SearchStrategy[Event] = st.one_of(
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
        st.sampled_from(["done", "exit-code", "signal", "unknown"]),
        text,
        st.sampled_from(["done", "failed", "killed", "lost", "paused", "queued"]),
        value=st.none() | floats,
        complete=st.booleans(),
        retry=st.booleans(),
        retry_at=floats,
    ),
    st.builds(TrialQueued, numbers, text, st.booleans()),
    st.builds(TrialClosed, numbers, st.sampled_from(["killed", "paused"]), text),
    st.builds(SweepPaused, text, text),
    st.builds(SweepResumed, text),
    st.builds(SweepStopping, text, st.booleans()),
    st.builds(SweepFinished, text),
    st.builds(RequestApplied, text, text, text, st.booleans(), text),
    st.builds(BestChanged, numbers, floats),
    st.builds(Warned, text, text),
)
history = st.lists(event, max_size=30)
