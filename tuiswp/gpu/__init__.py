"""Which GPUs exist, who is on them, who holds a lease. The only door to NVML and psutil."""
