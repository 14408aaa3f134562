"""What can be chosen of an export; free of torch, for the help of the command."""

FORMS = ("onnx", "torch", "safetensors", "triton")
"""What a model can be exported to."""
TRITON_BACKENDS = ("python", "onnxruntime")
"""What can run it in Triton."""
