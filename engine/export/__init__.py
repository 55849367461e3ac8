"""Files for other programs, made from a run: cameras, point clouds, meshes, videos, a report."""
