"""Networks as ONNX graphs: read, evaluated by ONNX's own evaluator, and written."""
