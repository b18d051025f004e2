"""Long work on whole tables (export, backup, restore) as jobs: one task per partition, persistent."""
