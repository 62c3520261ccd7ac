"""What a training finds in its environment, as far as it is for scripts that are not ours."""

from pathlib import Path

from tuiswp.controller.environment import for_wandb, metrics_note

TRIAL = Path("/s/trials/t0001")


def test_a_wandb_script_runs_offline_in_the_trials_directory_with_the_sampled_values() -> None:
    found = for_wandb({"PATH": "/bin"}, TRIAL, "abc", "abc-t0001-1")
    assert found == {
        "PATH": "/bin",
        "WANDB_MODE": "offline",
        "WANDB_DIR": "/s/trials/t0001",
        "WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL": "1",
        "WANDB_SWEEP_ID": "abc",
        "WANDB_RUN_ID": "abc-t0001-1",
        "WANDB_SWEEP_PARAM_PATH": "/s/trials/t0001/wandb-params.yaml",
    }


def test_what_a_person_set_stays_but_for_what_makes_it_a_run_of_this_sweep() -> None:
    theirs = {"WANDB_MODE": "online", "WANDB_DIR": "runs", "WANDB_RUN_ID": "x"}
    found = for_wandb(theirs, TRIAL, "abc", "abc-t0001-2")
    assert (found["WANDB_MODE"], found["WANDB_DIR"]) == ("online", "runs")
    assert found["WANDB_RUN_ID"] == "abc-t0001-2"
    note = metrics_note(found, "/home/me", None)
    assert note.wandb == (
        ("/home/me/wandb", "abc-t0001-2"),
        ("/home/me/runs/wandb", "abc-t0001-2"),
    )
