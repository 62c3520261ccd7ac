"""The variables that pin a training to its leases. Pure."""

from collections.abc import Sequence

from tuiswp.model.trial import Lease

CPU = "cpu"


def environment(leases: Sequence[Lease], *, simulated: bool) -> dict[str, str]:
    """What to add to the environment of a training that holds `leases`.

    GPUs go by UUID, in the order of the leases, so no renumbering can move a trial. A CPU slot
    leaves CUDA_VISIBLE_DEVICES as it is. TUISWP_GPU has the names people see ("G0,G1", "cpu0");
    TUISWP_GPU_SIMULATED is 1 if there is no GPU behind them.
    """
    added = {"TUISWP_GPU": ",".join(lease.name for lease in leases)}
    gpus = [lease.uuid for lease in leases if lease.uuid != CPU]
    if gpus:
        added["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        added["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    if gpus and simulated:
        added["TUISWP_GPU_SIMULATED"] = "1"
    return added
