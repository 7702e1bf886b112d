"""The parts of `sophia verify`: which checks of which services, run or listed."""
