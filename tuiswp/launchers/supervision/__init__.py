"""What runs inside a window: standard library only, started by `launchers/supervisor.py`."""
