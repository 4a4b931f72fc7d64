"""Pictures of figures whose joints are known: where they are, and reading them.

`reading.load` reads COCO's keypoint files and Leeds Sports Pose into the same table, so that
lesson 07 runs on either. By default the figures are drawn, by `minivoc.figures`.
"""
