"""What the engine reaches, measured: `python -m tests.benchmarks.fern --seeds 0 1 2 --output fern.json`, and so on.

Every training runs in a process of its own, with default settings, through the same command that users type. Each
benchmark prints a table (targets beside means and seeds) and writes all its numbers as JSON. They take minutes to an
hour and are not collected by pytest; `--quick` runs the same code on a small shipped scene to see that it works.
"""
