"""Rollouts as they are performed: one at a time, step by step, written down."""
