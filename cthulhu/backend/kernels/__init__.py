"""Operations on NumPy arrays that a framework may lack: convolution with its gradients, connectionist temporal classification.

Nothing here knows tensors. Backends make operations of their own of these.
"""
