"""The world of the system tests: a sandbox, a host with sbx-netd, an internet."""
