"""The training engine: registers cameras and reconstructs a radiance field at the same time."""

import os

# torch and numba each bring an OpenMP runtime. By default the threads of either keep spinning for a while after a
# parallel region and take the cores from the other one. The variable is read when a runtime is loaded, so it stands
# here, before anything of the engine can import them.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
