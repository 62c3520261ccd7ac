"""The W&B recipe is what it says it is: nothing in it knows of tuiswp."""

import ast

from tests.recipes.helpers import ROOT
from tuiswp.spec.load import load


def test_the_wandb_recipe_is_an_untouched_sweep_of_an_untouched_script() -> None:
    source = ROOT / "recipes" / "wandb_sweep.yaml"
    sweep = load(source, cwd=ROOT)
    assert "\ntuiswp:" not in source.read_text()
    assert sweep.run.program == "recipes/wandb_train.py"
    assert sweep.method == "bayes" and sweep.stopper is not None
    tree = ast.parse((ROOT / "recipes" / "wandb_train.py").read_text())
    imported = {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    } | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"numpy", "wandb"}
