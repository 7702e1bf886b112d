"""Load engine, histograms, grades and baselines of `sophia bench`."""
