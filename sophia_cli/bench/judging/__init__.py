"""What figures are worth: histograms, grades, objectives, and whether two runs differ."""
