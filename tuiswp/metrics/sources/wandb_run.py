"""A W&B run file, `run-<id>.wandb`: what `wandb.log` wrote, as a row a step.

Of its records the history is read, and whether it came to its end: then its progress is 1. Nested
values are named as W&B names them, `{"val": {"acc": 1}}` is `val.acc`; media and histograms
(objects with a `_type`) are no metrics. The step is W&B's own, a count of calls, unless the script
defines one metric as the step of all, as the Hugging Face Trainer and Lightning do. Needs no wandb:
see `sources.protobuf`.
"""

from math import isfinite
from typing import Any, ClassVar

import msgspec

from tuiswp.metrics.rows import DEPTH_MAX, BadRow, Row, read
from tuiswp.metrics.sources.base import Sink
from tuiswp.metrics.sources.leveldb_log import LevelDbLog
from tuiswp.metrics.sources.protobuf import BYTES, VARINT, Malformed, fields, inside, signed

# Field numbers of wandb_internal.proto.
RECORD_HISTORY, RECORD_CONFIG, RECORD_METRIC, RECORD_RUN, RECORD_EXIT = 2, 5, 12, 17, 18
METRIC_GLOB, METRIC_STEP = 2, 4
HISTORY_ITEM, HISTORY_STEP = 1, 2
STEP_NUM = 1
EXIT_CODE, RUN_CONFIG, CONFIG_UPDATE = 1, 4, 1
ITEM_KEY, ITEM_NESTED_KEY, ITEM_VALUE_JSON = 1, 2, 16

_decode = msgspec.json.Decoder().decode


class WandbRun:
    """See `sources.base.Source`."""

    whole: ClassVar[bool] = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._records = 0
        self._axis: str | None = None  # the metric that is the step of all
        self._log = LevelDbLog(self._record, self._torn)

    def feed(self, data: bytes) -> None:
        self._log.feed(data)

    def end(self) -> None:
        """What waits was never written whole: the usual end of a run that was killed."""

    def restart(self) -> None:
        self._records = 0
        self._axis = None
        self._log.restart()

    def _torn(self, at: int, reason: str) -> None:
        self._sink.bad(at, reason)

    def _record(self, record: bytes) -> None:
        self._records += 1
        try:
            for number, wire, _, data in fields(record):
                if number == RECORD_HISTORY and wire == BYTES:
                    self._history(data)
                elif number == RECORD_METRIC and wire == BYTES:
                    if inside(data, METRIC_GLOB) == b"*":
                        self._axis = inside(data, METRIC_STEP).decode("utf-8", "replace") or None
                elif number == RECORD_EXIT and wire == BYTES:
                    self._exit(data)
        except (Malformed, BadRow) as reason:
            self._sink.bad(self._records, f"record {self._records}: {reason}")

    def _exit(self, data: bytes) -> None:
        code = next((value for number, _, value, _ in fields(data) if number == EXIT_CODE), 0)
        if code == 0:
            self._sink.take_row(Row(None, 1.0, {}, 0, {}))

    def _history(self, history: bytes) -> None:
        found: dict[str, float] = {}
        media: set[str] = set()
        step: float | None = None
        for number, wire, _, data in fields(history):
            if wire == BYTES and number == HISTORY_ITEM:
                self._item(data, found, media)
            elif wire == BYTES and number == HISTORY_STEP:
                step = _number(data)
        if media:
            found = {name: one for name, one in found.items() if not _is_within(name, media)}
        own = found.pop("_step", step)
        if self._axis is not None:  # a row without it belongs to the step before
            own = found.get(self._axis)
        row = read(found)
        self._sink.take_row(row._replace(step=own if own is not None and isfinite(own) else None))

    def _item(self, item: bytes, found: dict[str, float], media: set[str]) -> None:
        """Put the numbers of one item into `found`, by their names."""
        path: list[bytes] = []
        text = b""
        for number, wire, _, data in fields(item):
            if wire != BYTES:
                continue
            if number == ITEM_VALUE_JSON:
                text = data
            elif number in (ITEM_KEY, ITEM_NESTED_KEY):
                path.append(data)
        name = b".".join(path).decode("utf-8", "replace")
        try:
            found[name] = float(text)  # as nearly always; NaN and Infinity too
        except ValueError:
            if path and path[-1] == b"_type" and len(path) > 1:
                media.add(name[: -len("._type")])
            elif text[:1] == b"{":
                try:
                    _flatten(name, _decode(text), found, 1)
                except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                    raise BadRow("a value that is not JSON") from None


def _is_within(name: str, media: set[str]) -> bool:
    """Whether this is a number of one of these objects, at any depth."""
    while name := name.rpartition(".")[0]:
        if name in media:
            return True
    return False


def _flatten(name: str, value: object, found: dict[str, float], depth: int) -> None:
    if isinstance(value, dict) and "_type" not in value:
        if depth > DEPTH_MAX:
            raise BadRow(f"objects nested deeper than {DEPTH_MAX}")
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, found, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            found[name] = float(value)
        except OverflowError:
            found[name] = float("nan")


def _number(step: bytes) -> float | None:
    for number, wire, value, _ in fields(step):
        if number == STEP_NUM and wire == VARINT:
            return float(signed(value))
    return None


def settings(head: bytes) -> dict[str, Any] | None:
    """`wandb.config` of a run by the beginning of its file; None if it does not say."""
    found: dict[str, Any] = {}

    def take(record: bytes) -> None:
        for number, wire, _, data in fields(record):
            if wire == BYTES and number in (RECORD_RUN, RECORD_CONFIG):
                config = inside(data, RUN_CONFIG) if number == RECORD_RUN else data
                for kind, _, _, item in fields(config):
                    if kind == CONFIG_UPDATE:
                        _setting(item, found)

    def pass_over(at: int, reason: str) -> None:
        """What is torn is told by who follows the file."""

    try:
        LevelDbLog(take, pass_over).feed(head)
    except (Malformed, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return found or None
    return found or None


def _setting(item: bytes, found: dict[str, Any]) -> None:
    name = inside(item, ITEM_KEY).decode("utf-8", "replace")
    if name and name != "_wandb":
        found[name] = _decode(inside(item, ITEM_VALUE_JSON))
