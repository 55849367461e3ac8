"""The radiance field of the papers: an MLP with positional encoding."""
