"""Cameras that photogrammetry programs export: Metashape's XML, RealityCapture's (RealityScan's) CSV."""
