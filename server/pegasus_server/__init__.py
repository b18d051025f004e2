"""The servers of Pegasus Tab."""
