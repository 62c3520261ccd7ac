"""A small language for numbers of a person's own: parsed to a tree, evaluated by us, never `eval`.

`parse` makes the tree, `checks` says whether it makes sense for curves or for parameters,
`curve` evaluates it row by row as a trial runs, `scalar` once for the parameters of a trial.
docs/expressions.md is the language for people.
"""
