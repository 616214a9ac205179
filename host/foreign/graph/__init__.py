"""ONNX graphs: read, evaluated part by part, turned into layers, and written."""
