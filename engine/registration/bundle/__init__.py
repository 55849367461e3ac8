"""Surface bundle adjustment: poses and surface points moved together until all photos agree on the points' colours.

Field and poses trained in turns creep along the directions in which both must move together; on forward-facing scenes
the camera centres as a whole stay tilted against the orientations for thousands of steps. Here the surface that the
field found is taken as points, the points are eliminated from the normal equations, and what is left is solved at
once, as in direct sparse odometry (Engel et al., PAMI 2018) and bundle adjustment (Triggs et al., 1999).
"""
