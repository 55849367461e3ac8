"""All of space in a cube: a box as it is, everything outside ever coarser, infinity on the cube's faces (as in MERF).

A ray becomes a few straight pieces there. `mapping` has points, `pieces` rays in torch, `compiled` rays on the CPU.
"""
