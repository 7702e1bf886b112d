"""The parts of `sophia fix`, from the request to the report."""
