"""What the channels of every tensor of a forward pass are, and which of them belong together.

Every dimension of a parameter is an *axis*, every index along it a *channel* with a number of its own, its code. Each
tensor carries a label: which channels the indices of its dimensions stand for. A rule per operation carries labels
from inputs to outputs and notes what the operation ties together: a product ties the channels of the activation to
the channels that the weight reads, an addition ties both sides, a reshape or a slice rearranges codes. In the end
the tied codes are the couplings.
"""
