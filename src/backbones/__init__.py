"""The pretrained networks that look at the pictures, the same in Keras and in PyTorch.

Each of the two modules imports its framework, so a process takes one of them.
"""
