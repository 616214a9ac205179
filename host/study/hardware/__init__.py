"""What is asked of hardware: netlists proved against the golden model, boards tested."""
