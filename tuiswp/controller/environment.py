"""What a training finds in its environment, and where its metrics are looked for. Pure."""

from pathlib import Path

from tuiswp.metrics.sources.note import Note

WANDB_PARAMS = "wandb-params.yaml"
# How often wandb 0.31 writes out what was logged; by itself it waits for 15 s, before for 32 KiB.
WANDB_FLUSH_S = "1"


def for_tuiswp(trial_dir: Path, sweep: str, trial: str, attempt: int) -> dict[str, str]:
    """What `tuiswp.report` and scripts written for tuiswp read."""
    return {
        "TUISWP_TRIAL_DIR": str(trial_dir),
        "TUISWP_CONFIG": str(trial_dir / "params.json"),
        "TUISWP_METRICS": str(trial_dir / "metrics.jsonl"),
        "TUISWP_SWEEP": sweep,
        "TUISWP_TRIAL": trial,
        "TUISWP_ATTEMPT": str(attempt),
    }


def for_wandb(
    environment: dict[str, str], trial_dir: Path, sweep_id: str, run_id: str
) -> dict[str, str]:
    """`environment` and what makes a W&B script run here as it is: offline, in this directory.

    To some scripts these variables are a switch, to others the only road to the values. What a
    person has set stays, but for what makes a run one of this sweep.
    """
    return {
        "WANDB_MODE": "offline",
        "WANDB_DIR": str(trial_dir),
        "WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL": WANDB_FLUSH_S,
        **environment,
        "WANDB_SWEEP_ID": sweep_id,
        "WANDB_RUN_ID": run_id,
        "WANDB_SWEEP_PARAM_PATH": str(trial_dir / WANDB_PARAMS),
    }


def metrics_note(environment: dict[str, str], cwd: str, kind: str | None) -> Note:
    """Where metrics of this training may lie besides its trial's directory, for those who look.

    A script that gives `wandb.init` a directory (Lightning's logger does) writes beside its code.
    """
    places = (Path(cwd), Path(cwd, environment["WANDB_DIR"]))
    run_id = environment["WANDB_RUN_ID"]
    return Note(
        kind=kind, wandb=tuple((f"{place}/wandb", run_id) for place in dict.fromkeys(places))
    )
