"""Speed and memory of the whole program, as ratios that hold on any machine: `make bench`."""
