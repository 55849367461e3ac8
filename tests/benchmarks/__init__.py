"""Measurements of the engine: `python -m tests.benchmarks.fern --seeds 0 1 2 --output fern.json`, and so on.

Every training runs in a process of its own, with default settings, by the command `l2g-train`. Each benchmark prints a
table of targets, means and values per seed, and writes all its numbers as JSON. They take minutes to an hour and are
not collected by pytest; `--quick` runs the same code on a small shipped scene, to check that it works.
"""
