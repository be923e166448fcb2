"""What silicon does with the demand: catalogue, kernels, timing, physics, serving, hotspots, learned cost, design."""
