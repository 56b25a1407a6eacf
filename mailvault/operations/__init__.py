"""One verb a module. Operations know the seams and the archive, never a terminal."""
