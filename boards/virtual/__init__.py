"""Virtual board: a complete machine, compiled to native code with CXXRTL."""
