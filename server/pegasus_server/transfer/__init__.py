"""The worker process of jobs: moves a partition's rows between a checkpoint and a target."""
