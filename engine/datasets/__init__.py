"""Public data sets by name: catalogue, download, unpacking."""
