"""The photometric loss around the pose of a frame: curves along its directions, maps over two of them."""
