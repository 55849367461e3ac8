"""COLMAP's pipeline, stage by stage, through pycolmap, and a quick one on small copies of the photos."""
