"""Where modules live, what each import leads to, and the graph of imports."""
