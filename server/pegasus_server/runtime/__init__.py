"""Twisted adapters: transport, timers, disk thread, and the one composition root."""
