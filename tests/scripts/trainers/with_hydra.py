"""A hydra application: its options are the leaves of a configuration."""

from dataclasses import dataclass, field

import hydra
from hydra.core.config_store import ConfigStore


@dataclass
class Optimizer:
    lr: float = 1e-3
    weight_decay: float = 0.0
    betas: list[float] = field(default_factory=lambda: [0.9, 0.999])


@dataclass
class Config:
    optim: Optimizer = field(default_factory=Optimizer)
    epochs: int = 3
    batch_size: int = 32
    name: str = "small"
    data: str = "???"


ConfigStore.instance().store(name="config", node=Config)


@hydra.main(version_base=None, config_path=None, config_name="config")  # type: ignore[untyped-decorator]
def main(config: Config) -> None:
    print(config)


if __name__ == "__main__":
    main()
