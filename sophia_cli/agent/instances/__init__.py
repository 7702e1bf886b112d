"""One instance of a service and what it needs: its process, probes, log, secrets."""
