"""Runs a plan against the key-value client."""
