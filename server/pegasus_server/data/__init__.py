"""What each data RPC means, over any engine."""
