"""Rewrites of plans, one rule a file."""
