"""Many files are followed fairly and within a budget."""

from pathlib import Path

from tuiswp.metrics.follow import Follower


def write(path: Path, count: int) -> None:
    with path.open("ab") as writer:
        writer.writelines(b'{"step": %d, "loss": 1}\n' % i for i in range(count))


def test_only_changed_files_are_reported(tmp_path: Path) -> None:
    follower: Follower[int] = Follower()
    for key in range(64):
        write(tmp_path / f"{key}.jsonl", 3)
        follower.add(key, tmp_path / f"{key}.jsonl", only={"loss"})
    assert follower.poll() == set(range(64))
    assert follower.poll() == set()
    write(tmp_path / "7.jsonl", 1)
    assert follower.poll() == {7}
    assert follower[7].rows == 4
    assert not follower.behind


def test_a_budget_takes_at_least_one_turn_and_leaves_no_file_out(tmp_path: Path) -> None:
    follower: Follower[str] = Follower()
    for key in "abcde":
        write(tmp_path / key, 2)
        follower.add(key, tmp_path / key)
    seen: set[str] = set()
    for _ in range(5):
        changed = follower.poll(budget_s=0)
        assert len(changed) == 1
        assert not changed & seen
        seen |= changed
    assert seen == set("abcde")


def test_a_huge_file_does_not_hold_up_the_others(tmp_path: Path) -> None:
    follower: Follower[str] = Follower()
    write(tmp_path / "huge", 100_000)
    write(tmp_path / "small", 2)
    follower.add("huge", tmp_path / "huge")
    follower.add("small", tmp_path / "small")
    follower.poll(budget_s=0)
    assert follower["huge"].behind
    assert follower.poll(budget_s=0) == {"small"}
    while follower.behind:
        follower.poll(budget_s=0)
    assert follower["huge"].rows == 100_000


def test_a_removed_file_is_forgotten_and_can_come_back(tmp_path: Path) -> None:
    follower: Follower[str] = Follower()
    for key in "ab":
        write(tmp_path / key, 1)
        follower.add(key, tmp_path / key)
    follower.poll(budget_s=0)
    follower.remove("b")
    follower.remove("b")
    assert follower.poll() == set()
    assert (list(follower), len(follower), "b" in follower) == (["a"], 1, False)
    assert follower.get("b") is None
    follower.add("b", tmp_path / "b")
    assert follower.poll() == {"b"}


def test_a_file_at_rest_is_read_to_its_end_and_visited_no_more(tmp_path: Path) -> None:
    follower: Follower[str] = Follower()
    write(tmp_path / "a", 100_000)
    follower.add("a", tmp_path / "a")
    follower.rest("a")
    while follower.behind:
        follower.poll(budget_s=0)
    assert follower["a"].rows == 100_000
    write(tmp_path / "a", 1)
    assert follower.poll() == set()
    assert follower["a"].rows == 100_000
    follower.wake("a")
    assert follower.poll() == {"a"}
    assert follower["a"].rows == 100_001


def test_a_file_that_no_poll_had_time_for_is_behind(tmp_path: Path) -> None:
    follower: Follower[str] = Follower()
    for key in "ab":
        write(tmp_path / key, 1)
        follower.add(key, tmp_path / key)
    follower.poll(budget_s=0)
    assert follower.behind
    follower.poll(budget_s=0)
    assert not follower.behind
