"""Sweep file in, search space out: the W&B grammar as it is, and our one `tuiswp:` key."""
