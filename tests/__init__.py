"""The tests: a package, for a library that they use ships another one of this name."""
