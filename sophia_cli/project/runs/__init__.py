"""Runs of file changes: journal, backups, transactions, and taking them back."""
