"""Strict services: HAProxy in front of them, as text and values; the agent runs it."""
