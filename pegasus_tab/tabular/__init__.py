"""Tables on top of key-value pairs: schema, key and row encodings, Arrow."""
