"""Sweeps: one run for each combination of scene, method, help, noise, start and seed, and what they say together."""
