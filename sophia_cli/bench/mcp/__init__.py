"""Calls of MCP tools as requests of a load."""
