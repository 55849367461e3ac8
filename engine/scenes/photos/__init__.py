"""Photos and videos without camera poses: from files as a phone leaves them to a `Scene`."""
