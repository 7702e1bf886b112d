"""Checks that follow from a service's OpenAPI document."""
