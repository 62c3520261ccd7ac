"""Read a training script from outside: its options, its defaults, what it logs. Changes nothing."""
