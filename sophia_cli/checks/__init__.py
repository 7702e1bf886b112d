"""Probes and functional checks of running services; what every part that talks HTTP shares."""
