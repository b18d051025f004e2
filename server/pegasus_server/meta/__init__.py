"""Cluster metadata as pure state machines."""
