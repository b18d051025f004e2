"""Backup policies: backups that begin by the clock, and the removal of old ones."""
