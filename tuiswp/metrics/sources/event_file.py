"""A TensorBoard event file: its scalars, in both forms in which they are written, as rows.

Torch and Lightning write a `simple_value`, TensorFlow 2 a tensor without dimensions. Needs no
tensorboard: see `sources.protobuf`. TensorBoard tells curves of one tag apart by their directory:
`validation/` as Keras makes it gives `validation/loss`, and what `add_scalars("loss", …)` writes
into `loss_val/` is `loss/val`.
"""

import re
from collections.abc import Callable
from struct import error as struct_error
from struct import unpack_from
from typing import ClassVar

from tuiswp.metrics.rows import read
from tuiswp.metrics.sources.base import Sink
from tuiswp.metrics.sources.protobuf import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Malformed,
    double,
    fields,
    inside,
    signed,
    single,
)
from tuiswp.metrics.sources.tfrecord import TfRecords

# Field numbers of event.proto, summary.proto and tensor.proto.
EVENT_WALL_TIME, EVENT_STEP, EVENT_SUMMARY = 1, 2, 5
SUMMARY_VALUE = 1
VALUE_TAG, VALUE_SIMPLE, VALUE_TENSOR, VALUE_METADATA = 1, 2, 8, 9
METADATA_PLUGIN, PLUGIN_NAME = 1, 1
TENSOR_DTYPE, TENSOR_SHAPE, SHAPE_DIM, TENSOR_CONTENT = 1, 2, 2, 4
TENSOR_FLOAT, TENSOR_DOUBLE, TENSOR_INT, TENSOR_INT64 = 5, 6, 7, 10
# By its number in types.proto: how the one number of such a tensor is packed in its content.
_PACKED = {1: "<f", 2: "<d", 3: "<i", 9: "<q", 19: "<e"}

_SPLIT = re.compile(r"train(?:ing)?|val(?:id(?:ation)?)?|eval(?:uation)?|test|dev")
_PLUGINS_MAX = 4_096


def split_of(folder: str) -> str | None:
    """The part of a run that a directory of this path holds by its name; None if a run whole."""
    name = folder.rsplit("/", 1)[-1]
    return name if _SPLIT.fullmatch(name) else None


class EventFile:
    """See `sources.base.Source`. `folder`: where the file lies."""

    whole: ClassVar[bool] = False

    def __init__(self, sink: Sink, folder: str = "") -> None:
        self._sink = sink
        self._folder = folder.rsplit("/", 1)[-1]
        self._split = split_of(folder)
        self._names: dict[bytes, str | None] = {}  # by tag; None: no scalar
        self._count = 0
        self._records = TfRecords(self._event, sink.bad)

    @classmethod
    def of(cls, path: str) -> Callable[[Sink], "EventFile"]:
        """A maker of sources for the file of this path."""
        return lambda sink: cls(sink, path.rpartition("/")[0])

    def feed(self, data: bytes) -> None:
        self._records.feed(data)

    def end(self) -> None:
        """What waits was never written whole: the usual end of a run that was killed."""
        self._records.end()

    def restart(self) -> None:
        self._count = 0
        self._names.clear()
        self._records.restart()

    def _event(self, record: bytes) -> None:
        self._count += 1
        found: dict[str, float] = {}
        at, step = None, 0
        try:
            for number, wire, value, data in fields(record):
                if number == EVENT_STEP and wire == VARINT:
                    step = signed(value)
                elif number == EVENT_WALL_TIME and wire == FIXED64:
                    at = double(data)
                elif number == EVENT_SUMMARY and wire == BYTES:
                    self._summary(data, found)
        except Malformed as reason:
            self._sink.bad(self._count, f"record {self._count}: {reason}")
        if not found:
            return
        if at is not None:
            found["_timestamp"] = at
        self._sink.take_row(read(found)._replace(step=float(step)))

    def _summary(self, summary: bytes, found: dict[str, float]) -> None:
        for number, wire, _, data in fields(summary):
            if number == SUMMARY_VALUE and wire == BYTES:
                self._value(data, found)

    def _value(self, value: bytes, found: dict[str, float]) -> None:
        tag, plugin = b"", b""
        scalar: float | None = None
        for number, wire, _, data in fields(value):
            if number == VALUE_SIMPLE and wire == FIXED32:
                scalar = single(data)
            elif wire != BYTES:
                continue
            elif number == VALUE_TAG:
                tag = data
            elif number == VALUE_METADATA:
                plugin = inside(data, METADATA_PLUGIN, PLUGIN_NAME)
            elif number == VALUE_TENSOR:
                scalar = _scalar(data)
        if tag not in self._names:
            if len(self._names) > _PLUGINS_MAX:
                self._names.clear()
            known = plugin in (b"", b"scalars") and not tag.startswith(b"_hparams_/")
            self._names[tag] = self._name(tag.decode("utf-8", "replace")) if known else None
        name = self._names[tag]
        if name is not None and scalar is not None:
            found[name] = scalar

    def _name(self, tag: str) -> str:
        if self._split is not None and not tag.startswith((f"{self._split}/", f"{self._split}_")):
            return f"{self._split}/{tag}"
        main = tag.replace("/", "_")
        if self._folder.startswith(f"{main}_"):
            return f"{tag}/{self._folder[len(main) + 1 :]}"
        return tag


def _scalar(tensor: bytes) -> float | None:
    """The number of a tensor without dimensions; None for any other."""
    kind, content = 0, b""
    for number, wire, value, data in fields(tensor):
        if number == TENSOR_DTYPE and wire == VARINT:
            kind = value
        elif number == TENSOR_SHAPE and any(one[0] == SHAPE_DIM for one in fields(data)):
            return None
        elif number == TENSOR_CONTENT:
            content = data
        elif number == TENSOR_FLOAT and len(data) == 4:  # one number, packed or not
            return single(data)
        elif number == TENSOR_DOUBLE and len(data) == 8:
            return double(data)
        elif number in (TENSOR_INT, TENSOR_INT64):
            return float(signed(value if wire == VARINT else _first(data)))
    try:
        return float(unpack_from(_PACKED[kind], content)[0])
    except (KeyError, struct_error):
        return None


def _first(packed: bytes) -> int:
    """The first number of a packed field."""
    for _, _, value, _ in fields(b"\x08" + packed):
        return value
    return 0
