"""Key-value client: a sans-I/O session and its drivers."""
