"""From a rule as data to the stopper that carries it out."""

from typing import assert_never

from tuiswp.model.stopper import Asha, Hyperband, Patience, Percentile, Rule, Schedule, Wilcoxon
from tuiswp.search.stoppers.asha import AshaStopper
from tuiswp.search.stoppers.base import Stopper
from tuiswp.search.stoppers.hyperband import HyperbandStopper
from tuiswp.search.stoppers.patience import PatienceStopper
from tuiswp.search.stoppers.percentile import PercentileStopper
from tuiswp.search.stoppers.schedule import ScheduleStopper
from tuiswp.search.stoppers.wilcoxon import WilcoxonStopper


def stopper_for(rule: Rule) -> Stopper:
    """The stopper of a rule."""
    match rule:
        case Hyperband():
            return HyperbandStopper(rule)
        case Asha():
            return AshaStopper(rule)
        case Percentile():
            return PercentileStopper(rule)
        case Schedule():
            return ScheduleStopper(rule)
        case Patience():
            return PatienceStopper(rule)
        case Wilcoxon():
            return WilcoxonStopper(rule)
        case _:
            assert_never(rule)
