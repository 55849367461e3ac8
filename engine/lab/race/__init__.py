"""Races: two to four runs from the same start, photos and seed, trained in turns and compared."""
