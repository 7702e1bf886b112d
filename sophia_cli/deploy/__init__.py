"""Fingerprints, plans, releases, rollouts and hand-over: what a deployment decides."""
