"""COLMAP's pipeline, stage by stage, through pycolmap, and a quick look at how photos overlap."""
