"""What one line of the kernel log means, and what no line, however it is made, can bring about."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiswp.gpu.xids import KINDS, DriverLoaded, Xid, message

PAGE = Path(__file__).parents[2] / "docs" / "gpus.md"


def line(text: str, *, seq: int = 7, facility: int = 0) -> bytes:
    return f"{facility << 3 | 3},{seq},5000000,-;{text}\n SUBSYSTEM=pci\n".encode()


def heard(text: str) -> Xid:
    said = message(line(text))
    assert isinstance(said, Xid)
    return said


def test_a_line_of_today_is_read() -> None:
    said = heard(
        "NVRM: Xid (PCI:0000:41:00): 79, pid=4711, name=python, GPU has fallen off the bus."
    )
    assert (said.pci, said.code, said.pid, said.seq, said.at) == ("0000:41:00", 79, 4711, 7, 5.0)
    assert said.kind.grade == "reboot"


@pytest.mark.parametrize(
    ("text", "pci", "code", "pid"),
    [
        ("NVRM: Xid (0000:03:00): 79, GPU has fallen off the bus.", "0000:03:00", 79, None),
        ("NVRM: Xid (PCI:0000:C3:00 GPU-I:05): 43, pid=12, name=x, Ch 1", "0000:c3:00", 43, 12),
        ("NVRM: Xid (PCI:0000:c3:00.0): 31, pid='12', name=x", "0000:c3:00", 31, 12),
        ("NVRM: Xid (PCI:00010000:c3:00): 48, pid='<unknown>', x", "10000:c3:00", 48, None),
        ("NVRM: GPU 0000:01:00.0: GPU has fallen off the bus.", "0000:01:00", 79, None),
        ("NVRM: GPU at 0000:01:00.0 has fallen off the bus.", "0000:01:00", 79, None),
        ("NVRM: Xid (PCI:0000:01:00): 48", "0000:01:00", 48, None),
    ],
)
def test_the_forms_of_other_drivers_are_read(
    text: str, pci: str, code: int, pid: int | None
) -> None:
    said = heard(text)
    assert (said.pci, said.code, said.pid) == (pci, code, pid)


@pytest.mark.parametrize(
    "text",
    [
        "NVRM: Xid (PCI:0000:41:00): , GPU has fallen off the bus.",
        "NVRM: Xid (PCI:0000:41:00): 123456, x",
        "NVRM: Xid (PCI:zz:41:00): 79",
        "NVRM: Xid (PCI:0000:41): 79",
        "usb 1-1: NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus.",
        "audit: comm='NVRM: Xid (PCI:0000:41:00): 79'",
        "NVRM: Xid",
        "",
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert message(line(text)) is None


def test_nobody_but_the_kernel_is_believed() -> None:
    text = "NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus."
    assert message(line(text, facility=1)) is None
    assert message(text.encode()) is None


def test_a_process_name_changes_nothing() -> None:
    name = "NVRM: Xid (PCI:0000:01:00): 79, pid=1, \\x1b[31m GPU has fallen off the bus"
    said = heard(f"NVRM: Xid (PCI:0000:41:00): 31, pid=4711, name={name}, Ch 00000008")
    assert (said.pci, said.code, said.pid) == ("0000:41:00", 31, 4711)
    assert said.kind.grade == "application"


def test_the_driver_says_itself_what_it_needs() -> None:
    start = "NVRM: Xid (PCI:0000:41:00): 154, pid=1, name=x, GPU recovery action changed from "
    assert heard(start + "0x0 (None) to 0x1 (GPU Reset Required)").kind.grade == "reset"
    assert heard(start + "0x0 (None) to 0x2 (Node Reboot Required)").kind.grade == "reboot"
    well = heard(start + "0x1 (GPU Reset Required) to 0x0 (None)")
    assert well.well
    assert (
        heard("NVRM: Xid (PCI:0000:41:00): 154, in words of a later driver").kind.grade == "reset"
    )


def test_a_driver_that_is_loaded_begins_anew() -> None:
    text = "NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  570.86.15"
    assert message(line(text)) == DriverLoaded(7)


def test_every_kind_says_what_happened() -> None:
    assert all(kind.what for kind in KINDS.values())
    assert all(Xid(1, 0.0, "0000:01:00", code).words for code in range(1000))


@pytest.mark.parametrize(
    ("grade", "follows"),
    [
        ("reset", "the GPU needs a reset"),
        ("reboot", "the machine needs a reboot"),
        ("application", "evidence for the trial"),
        ("news", "it is told"),
    ],
)
def test_the_documentation_lists_what_is_in_the_table(grade: str, follows: str) -> None:
    (line,) = (
        one for one in PAGE.read_text().splitlines() if one.startswith("| ") and follows in one
    )
    codes = {int(code) for code in re.findall(r"\d+", line.split("|")[1])}
    assert codes == {code for code, kind in KINDS.items() if kind.grade == grade}


@given(st.binary(max_size=300))
def test_no_bytes_give_a_traceback(garbage: bytes) -> None:
    message(garbage)
    message(b"3,1,5,-;NVRM: Xid (PCI:0000:41:00): 79" + garbage)
    message(b"3,1,5,-;NVRM: Xid (" + garbage)
    said = message(b"3,1,5,-;NVRM: Xid (PCI:0000:41:00): 31, pid=4, name=" + garbage)
    assert isinstance(said, Xid) and said.text.isascii() and "\n" not in said.text
