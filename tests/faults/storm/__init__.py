"""A kill storm: trainings that write down themselves what became of them, and what kills ours."""
