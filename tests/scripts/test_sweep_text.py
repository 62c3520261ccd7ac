"""The file that comes out of what is known: one that can be read, whatever the script says."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scripts.recorded import FAMILY, recorded
from tuiswp.gpu.inventory import GpuProcess, GpuReading, Inventory
from tuiswp.model.sweep import Sweep
from tuiswp.scripts.options import Interface, ScriptOption
from tuiswp.scripts.probe import Probed, gpu_memory
from tuiswp.scripts.proposal import propose
from tuiswp.scripts.sweep_text import Draft, sweep_text
from tuiswp.spec.load import load
from tuiswp.text import visible


def draft(interface: Interface, **given: object) -> Draft:
    proposed = propose(interface)
    known = {
        "argv": ("python", "train.py"), "name": "train", "file": "sweep.yaml",
        "interface": interface, "chosen": proposed[:3], "unswept": proposed[3:],
    }  # fmt: skip
    return Draft(**{**known, **given})  # type: ignore[arg-type]


def read(text: str, folder: Path) -> Sweep:
    path = folder / "sweep.yaml"
    path.write_text(text)
    return load(path)


@pytest.mark.parametrize("kind", list(FAMILY))
def test_every_family_gives_a_file_that_can_be_read(kind: str, tmp_path: Path) -> None:
    sweep = read(sweep_text(draft(recorded(kind))), tmp_path)
    assert sweep.parameters
    macro = "${args}" if recorded(kind).macro == "${args}" else "${args_no_hyphens}"
    assert sweep.run.command[-1] == macro


@given(
    name=st.text(max_size=30), metric=st.text(min_size=1, max_size=30),
    words=st.lists(st.text(max_size=20)),
    choice=st.text(max_size=20), remark=st.text(max_size=300),
)  # fmt: skip
def test_no_text_of_a_stranger_gets_out_of_its_place(
    name: str, metric: str, words: list[str], choice: str, remark: str
) -> None:
    options = (ScriptOption("lr", 1e-3), ScriptOption("kind", choice, help=remark))
    text = sweep_text(
        draft(
            Interface(name, options), argv=("python", *words), metric=metric, remarks=(remark,),
            probed=Probed(1.0, (metric,), trouble=remark),
        )
    )  # fmt: skip
    assert all(visible(line, limit=10_000) == line for line in text.split("\n"))
    assert text.count("\nparameters:\n") == 1
    assert text.count("\ntuiswp:\n") == 1


def test_what_a_probe_held_on_gpus_is_in_the_file(tmp_path: Path) -> None:
    text = sweep_text(
        draft(recorded("argparse"), probed=Probed(9.0, ("loss",), peak_bytes=1 << 30, gpu_mib=2000))
    )
    assert "# memory: 1.0 GiB of RAM; 2.0 GiB of GPUs" in text
    assert "  # gpu_memory: 2200MiB" in text
    told = text.replace("# tuiswp:", "tuiswp:").replace("  # gpu_memory", "  gpu_memory")
    assert read(told, tmp_path).resources.gpu_memory_mib == 2200


def test_memory_on_gpus_is_that_of_its_own_processes_alone() -> None:
    own, other = GpuProcess(1, memory_mib=700, token="ours"), GpuProcess(2, memory_mib=9000)
    silent = GpuProcess(3, token="ours")
    inventory = Inventory(
        (
            GpuReading("a", 0, processes=(own, other)),
            GpuReading("b", 1, processes=(GpuProcess(1, memory_mib=300, token="ours"), silent)),
            GpuReading("c", 2, processes=None),
        ),
        "nvml",
    )
    assert gpu_memory(inventory, "ours") == 1000
    assert gpu_memory(inventory, "another") is None
    assert gpu_memory(None, "ours") is None
