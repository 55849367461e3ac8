"""Surface bundle adjustment: poses and surface points moved together until all photos agree on the points' colours.

Gradient descent converges slowly along directions in which field and poses must change together: on forward-facing
scenes the camera centres as a whole stay rotated against the orientations for thousands of steps. Here the surface
that the field has found is taken as points, the points are eliminated from the normal equations (Schur complement),
and the poses are solved at once, as in direct sparse odometry (Engel et al., PAMI 2018) and bundle adjustment
(Triggs et al., 1999).
"""
