"""The virtual board: the complete machine, compiled to native code with CXXRTL."""
