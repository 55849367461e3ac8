"""What the matches of photos do in a run: a term of the loss, its start, a guard of its poses, the verdict."""
