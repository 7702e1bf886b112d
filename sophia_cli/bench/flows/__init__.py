"""Scripted flows: steps that users take one after the other."""
