"""3D Gaussians from a trained field, fitted to the photos on the CPU, as a standard PLY file."""
