"""A desk in a furnished room, photographed by somebody who walks around it with a phone."""
