"""The families of measured kernels, one module each."""
