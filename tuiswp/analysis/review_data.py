"""The look back as plain data: the object under `review` of `results --json --review`."""

import math

import msgspec

from tuiswp.analysis.review import Review
from tuiswp.model.space import Value


def review_json(found: Review) -> dict[str, Value]:
    """Every number is finite; what is not known is null, and `why` says so."""
    importance = found.importances
    return {
        "importance": {
            "trials": importance.trials,
            "top": importance.top,
            "why": importance.why,
            "parameters": [
                {
                    "parameter": list(one.parameter.path),
                    "share": one.share,
                    "low": one.low,
                    "high": one.high,
                    "told_from_chance": one.told,
                }
                for one in importance.found
            ],
        },
        "search": [
            {
                "parameter": list(one.parameter.path),
                "spread_first": one.spread_first,
                "spread_last": one.spread_last,
            }
            for one in found.walks
        ],
        "clusters": {
            "silhouette": found.clusters.silhouette,
            "why": found.clusters.why,
            "found": [
                {"best": one.best.id, "trials": [trial.id for trial in one.trials]}
                for one in found.clusters.found
            ],
        },
        "ranks": {
            "unit": found.unit,
            "kill_points": found.ruled,
            "found": [_finite(msgspec.to_builtins(one)) for one in found.agreements],
        },
        "gradients": None if found.gradients is None else msgspec.to_builtins(found.gradients),
    }


def _finite(row: dict[str, Value]) -> Value:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }
