"""The training engine: registers cameras and reconstructs a radiance field at the same time."""
