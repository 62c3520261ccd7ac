"""What search and early stopping are worth: regret, speed, and compute saved on real curves."""
