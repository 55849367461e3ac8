"""COLMAP's pipeline, stage by stage, through pycolmap, and a quick check of how photos overlap."""
