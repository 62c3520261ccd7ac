"""Files as training scripts leave them, made byte by byte: what a source is tried against.

`test_real_sources` holds them, and the sources, against the libraries' own files.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from struct import pack
from typing import Any, TypeAlias

from tuiswp.metrics.sources.leveldb_log import BLOCK
from tuiswp.metrics.sources.tfrecord import masked_crc

Row: TypeAlias = Mapping[Any, object]


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, data: bytes | int) -> bytes:
    if isinstance(data, int):
        return varint(number << 3) + varint(data)
    return varint(number << 3 | 2) + varint(len(data)) + data


def history(row: Row) -> bytes:
    """One W&B record with the values of a step; a tuple as key is a nested name."""
    items = b""
    for key, value in row.items():
        path = key if isinstance(key, tuple) else (key,)
        name = b"".join(field(2, part.encode()) for part in path)
        items += field(1, name + field(16, json.dumps(value).encode()))
    return field(1, 7) + field(2, items)


def wandb_file(records: Sequence[bytes]) -> bytes:
    """As W&B frames it: a head of seven bytes, blocks of 32 KiB, chunks with a plain CRC."""
    out = bytearray(b":W&B\xe1\xbe\x00")
    for record in records:
        first = True
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < 7:
                out += bytes(left)
                continue
            piece, record = record[: left - 7], record[left - 7 :]
            kind = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[
                first, not record
            ]
            body = bytes([kind])
            out += pack("<IHB", zlib.crc32(piece, zlib.crc32(body)), len(piece), kind) + piece
            first = False
            if not record:
                break
    return bytes(out)


def wandb_run(rows: Sequence[Row], padding: int = 0) -> bytes:
    """A run with a header record, these rows, and so much console output between them."""
    records = [field(21, b"")]
    for number, row in enumerate(rows):
        if padding:
            records.append(field(4, field(2, b"x" * padding)))
        records.append(history({"_step": number, "_timestamp": 1e9 + number, **row}))
    return wandb_file(records)


def settings(config: Row) -> bytes:
    """The W&B record with which a run begins."""
    update = (field(1, k.encode()) + field(16, json.dumps(v).encode()) for k, v in config.items())
    return field(17, field(1, b"id") + field(4, b"".join(field(1, one) for one in update)))


def finished(code: int = 0) -> bytes:
    """The W&B record with which one ends."""
    return field(18, field(2, 7) + (field(1, code) if code else b""))


def event(step: int, tag: str, value: float, *, wall: float = 1e9, tensor: bool = False) -> bytes:
    """One scalar, as torch (a simple value) or TensorFlow 2 (a tensor) writes it."""
    number = varint(2 << 3 | 5) + pack("<f", value)
    if tensor:
        plugin = field(9, field(1, field(1, b"scalars")))
        number = plugin + field(8, field(1, 1) + field(2, b"") + field(4, pack("<f", value)))
    summary = field(1, field(1, tag.encode()) + number)
    return varint(1 << 3 | 1) + pack("<d", wall) + field(2, step) + field(5, summary)


def event_file(events: Sequence[bytes]) -> bytes:
    out = b""
    version = varint(1 << 3 | 1) + pack("<d", 1e9) + field(3, b"brain.Event:2")
    for record in (version, *events):
        head = pack("<Q", len(record))
        out += head + pack("<I", masked_crc(head)) + record + pack("<I", masked_crc(record))
    return out


def lightning_csv(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    lines = [",".join(names)]
    lines += [",".join(str(row.get(name, "")) for name in names) for row in rows]
    return "".join(line + "\r\n" for line in lines).encode()


def trainer_state(entries: Sequence[Row], *, max_steps: int = 0) -> bytes:
    return json.dumps(
        {"epoch": 1.0, "log_history": list(entries), "max_steps": max_steps}, indent=2
    ).encode()
