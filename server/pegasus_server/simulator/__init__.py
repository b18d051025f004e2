"""A whole cluster in one process, driven by one seed: same seed, same trace."""
