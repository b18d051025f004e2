"""Bytes to messages and back: framing, thrift binary primitives, codes, partition hash."""
