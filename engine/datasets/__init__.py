"""Public data sets by name: fetched, checked, unpacked."""
