"""`tuiswp _controller DIR`: be the controller in the background. Started by `opening`, not people.

Its stdout and stderr are the sweep's controller.log.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_arguments(parser: ArgumentParser, name: str) -> None:
    parser.add_argument("directory", type=Path)


def run(arguments: Namespace) -> int:
    from tuiswp.controller.directory import SweepDirectory
    from tuiswp.controller.opening import run_controller

    return run_controller(SweepDirectory(arguments.directory), batch=False)
