"""The command line `caudal`."""
