"""The journal of a real sweep, cut at every byte and with every bit flipped: what is lost by it."""

from pathlib import Path

from benchmarks.rows import Row, exactly, noted
from benchmarks.world import private_world, tuiswp, write_sweep
from tuiswp.controller import journal
from tuiswp.controller.journal import Journal
from tuiswp.controller.reducer import replay
from tuiswp.model.events import Warned

TRIALS = 6
SCRIPT = 'echo "{\\"step\\": 1, \\"loss\\": 0.$RANDOM}" >> "$TUISWP_METRICS"\n'
AFTER = Warned("after", "the damage")


def main() -> list[Row]:
    with private_world() as place:
        real = journal_of_a_sweep(place)
        rows = [noted("knife: a real journal", f"{len(real):,} bytes, {real.count(10)} facts")]
        unreadable, lost = cuts(real, place / "cut.jsonl")
    unnoticed, shortened = flips(real)
    return [
        *rows,
        exactly(f"knife: unreadable after one of {len(real) + 1:,} cuts", unreadable, 0),
        exactly("knife: earlier facts lost by a cut, and written on", lost, 0),
        exactly(f"knife: unnoticed of {len(real) * 8:,} flipped bits", unnoticed, 0),
        exactly("knife: facts before a flipped bit lost", shortened, 0),
    ]


def journal_of_a_sweep(place: Path) -> bytes:
    """What a controller with real supervisors in real tmux windows wrote, first fact to last."""
    (place / "train.sh").write_text(SCRIPT)
    file = write_sweep(
        place / "sweep.yaml",
        name="knife",
        method="grid",
        metric={"name": "loss", "goal": "minimize"},
        parameters={"x": {"values": list(range(TRIALS))}},
        program="train.sh",
        command=["bash", str(place / "train.sh")],
    )
    done = tuiswp("--batch", file, cwd=place)
    if done.returncode != 0:
        raise RuntimeError(done.stdout.decode() + done.stderr.decode())
    return (place / "sweeps/knife/journal.jsonl").read_bytes()


def cuts(real: bytes, path: Path) -> tuple[int, int]:
    """Cuts that the next controller cannot write on after, and earlier facts that are gone then."""
    whole = journal.scan(real).records
    unreadable = lost = 0
    for cut in range(len(real) + 1):
        path.write_bytes(real[:cut])
        before = whole[: real.count(b"\n", 0, cut)]
        try:
            book = Journal(path)
            book.append([AFTER], at=1.0)
            book.close()
            found = journal.read(path)
            replay(found.records)
        except Exception as error:  # whatever it is, it is counted and said
            print(f"cut at {cut}: {error!r}")
            unreadable += 1
            continue
        lost += sum(one != other for one, other in zip(before, found.records, strict=False))
        lost += max(0, len(before) + 1 - len(found.records)) + len(found.damage)
        for torn in path.parent.glob("journal.torn-*"):
            torn.unlink()
    return unreadable, lost


def flips(real: bytes) -> tuple[int, int]:
    """Flipped bits that nothing noticed, and facts before them that are not read any more."""
    whole = journal.scan(real).records
    unnoticed = lost = 0
    for position in range(len(real)):
        hit = real.count(b"\n", 0, position)
        for bit in range(8):
            data = bytearray(real)
            data[position] ^= 1 << bit
            found = journal.scan(bytes(data))
            unnoticed += not (found.damage or found.torn)
            unnoticed += any(one != whole[one.seq - 1] for one in found.records)
            lost += found.records[:hit] != whole[:hit]
    return unnoticed, lost
