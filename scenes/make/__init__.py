"""Scripts that build and render the shipped scenes; run them as modules from the repository root."""
