"""Which kicks a pose comes back from, by the hundred, on a copy of the field."""
