"""Run one attempt and write down how it ended.

    python -I -S supervisor.py ATTEMPT_DIR [LAUNCH_FILE]

It never decides anything about the sweep, never acts on what the training wrote and never lets a
viewer block it. Two processes of it stand between the window and the training:

    window pty  <->  relay  <->  training's own pty      the relay pumps and writes output.log
                       |
                  supervisor                             waits, stops, sweeps up, writes exit.json

The supervisor keeps the training's pty open and forks a new relay if one dies. If the supervisor
itself is killed, the relay pumps on until the training's pty closes: the training neither gets a
hang-up nor blocks on a full pty. As subreaper the supervisor inherits every descendant that was
orphaned or daemonised, so nothing of an attempt outlives its exit.json unseen.

Standard library only and few modules of it: it runs beside every training and starts with each,
isolated from whatever PYTHON* variables and site packages say. A script is compiled at each start
and a module is not, so the work is in `launchers.supervision`. The shapes of spec.json, start.json
and exit.json are in `launchers.base`: Job, StartRecord, ExitRecord.
"""

import os
import sys

if __name__ == "__main__":
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120
    sys.path.append(root)  # last, so that nothing beside tuiswp can stand in for the library
    from tuiswp.launchers.supervision.entry import main

    sys.exit(main(sys.argv))
