"""The parts of `sophia bench`: what is asked, of whom, and what became of it."""
