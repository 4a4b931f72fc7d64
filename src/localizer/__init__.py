"""From a picture to one name and one box, in PyTorch: the network that lesson 04 trains.

``heads`` has the head and its loss, ``model`` joins it to a backbone and keeps both in a file,
``pictures`` reads the pictures of a reader, and ``predicting`` names what is in them.
"""
