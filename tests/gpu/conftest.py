"""A stand-in NVML, compiled once, whose GPUs a test can change while they are watched."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tuiswp.gpu.inventory import Inventory
from tuiswp.gpu.probe import GpuWatch


class FakeNvml:
    """The machine's GPUs as a text file; the lines are explained in fakenvml.c.

    `kmsg`: its kernel log, empty at first.
    """

    def __init__(self, path: Path, kmsg: Path) -> None:
        self._path = path
        self.kmsg = kmsg
        self._said = 0
        kmsg.write_bytes(b"")

    def says(self, *lines: str) -> None:
        """Replace the description in one step."""
        draft = self._path.with_suffix(".new")
        draft.write_text("".join(f"{line}\n" for line in lines))
        draft.replace(self._path)

    def kernel(self, *texts: str, facility: int = 0) -> None:
        """The kernel logs these messages now."""
        with self.kmsg.open("ab") as log:
            for text in texts:
                self._said += 1
                at = int(time.monotonic() * 1e6)
                log.write(f"{facility << 3 | 3},{self._said},{at},-;{text}\n".encode())

    def new_boot(self) -> None:
        """The kernel log begins anew."""
        self.kmsg.unlink()
        self.kmsg.write_bytes(b"")


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiled libnvidia-ml.so.1."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here to build the stand-in NVML")
    folder = tmp_path_factory.mktemp("nvml")
    source = Path(__file__).with_name("fakenvml.c")
    library = folder / "libnvidia-ml.so.1"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source], check=True
    )
    return folder


@pytest.fixture
def nvml(nvml_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNvml:
    """One healthy GPU; the children of this process find the stand-in."""
    world = tmp_path / "world"
    fake = FakeNvml(world, tmp_path / "kmsg")
    fake.says("count 1")
    before = os.environ.get("LD_LIBRARY_PATH")
    monkeypatch.setenv(
        "LD_LIBRARY_PATH", f"{nvml_library}:{before}" if before else str(nvml_library)
    )
    monkeypatch.setenv("FAKENVML", str(world))
    monkeypatch.setenv("TUISWP_KMSG", str(fake.kmsg))
    monkeypatch.setenv("TUISWP_RUNTIME_DIR", str(_private(tmp_path)))
    for name in ("TUISWP_GPUS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    return fake


def _private(folder: Path) -> Path:
    made = folder / "run"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def watching() -> Iterator[Callable[..., GpuWatch]]:
    """Make watches that read often and are closed after the test."""
    made: list[GpuWatch] = []

    def make(**options: float) -> GpuWatch:
        quick = {"period_s": 0.05, "deadline_s": 1.0, "start_deadline_s": 5.0, "sick_retry_s": 0.1}
        made.append(GpuWatch(environ={}, **{**quick, **options}))
        return made[-1]

    yield make
    for watch in made:
        watch.close()


def until(watch: GpuWatch, wanted: Callable[[Inventory], bool], timeout_s: float = 10) -> Inventory:
    """Wait for a reading that is `wanted`; fail with the last one."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = watch.latest()
        if found is not None and wanted(found):
            return found
        assert time.monotonic() < deadline, f"never seen; last: {found}"
        time.sleep(0.02)
