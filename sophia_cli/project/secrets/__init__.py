"""Secrets of services: where they are looked for, and how they are kept from sight."""
