"""The interactive shell and the command line `pegasus-tab`."""
