"""What files beside the code start: containers, lists of processes, tasks, and the command lines in them."""
