"""`l2g-train --race`: several runs in turns, one table, one plot."""
