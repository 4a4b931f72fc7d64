"""The pretrained networks, the same in Keras and in PyTorch, and the features that they make.

The modules `keras_backbones` and `torch_backbones` import their frameworks: a process takes one.
"""
