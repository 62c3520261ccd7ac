"""The child process that asks NVML: one request a line in, one JSON inventory a line out.

A request is the CLOCK_MONOTONIC second until which single GPUs are waited for. A driver that hangs
blocks this process and no other. It ends with its parent (end of input), also while NVML hangs,
and by itself when NVML cannot be used: a fresh process is then needed to try again.
"""

import os
import queue
import sys
import threading
import time

import msgspec

from tuiswp.gpu.inventory import Inventory


def _serve(requests: "queue.SimpleQueue[float]", replies: int) -> None:
    """Answer until NVML cannot be used any more; then end the process."""
    with open(replies, "wb") as out:
        try:
            from tuiswp.gpu.nvml import Nvml

            nvml = Nvml()
            while not nvml.over:
                out.write(msgspec.json.encode(nvml.read(requests.get())) + b"\n")
                out.flush()
        except BrokenPipeError:
            os._exit(0)
        except Exception as fault:  # a fault of ours must reach the person who waits for GPUs
            problem = f"the NVML reader failed: {type(fault).__name__}: {fault}"
            last = Inventory((), "nvml", problem, taken_at=time.time())
            out.write(msgspec.json.encode(last) + b"\n")
            out.flush()
    os._exit(0)


def main() -> None:
    """Serve until the input ends."""
    replies = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    requests: queue.SimpleQueue[float] = queue.SimpleQueue()
    threading.Thread(target=_serve, args=(requests, replies), daemon=True).start()
    for line in sys.stdin.buffer:
        requests.put(float(line))
    os._exit(0)  # a thread that hangs in the driver must not keep us


if __name__ == "__main__":
    main()
