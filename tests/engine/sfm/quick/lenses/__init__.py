"""Lenses of models."""
