"""Tables as files at a target: filesystems, Parquet, layout, manifests and their verification."""
