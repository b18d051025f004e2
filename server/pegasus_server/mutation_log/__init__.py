"""The shared log: records, segments, replay."""
