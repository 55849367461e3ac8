"""What a run has found, in files that other programs read: cameras, points, meshes, films, a report."""
