"""Tables for analytics: a PyArrow dataset of partitions, and readers of Dask and Ray on it."""
