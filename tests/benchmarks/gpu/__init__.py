"""Everything that a GPU has to show, within minutes: `python -m tests.benchmarks.gpu --output gpu.json`."""
