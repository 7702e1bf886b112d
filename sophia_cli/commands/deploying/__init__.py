"""The parts of `sophia deploy`: the project read once, plan, releases, report."""
