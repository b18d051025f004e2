"""The one version number of the wheel, read by packaging, the driver, the shell and the server."""

VERSION = "0.1.0"
