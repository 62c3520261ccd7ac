"""Start and stop attempts. `base` is the promise, `tmux` the only door to libtmux."""
