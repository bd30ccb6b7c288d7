"""How fast, and in how much memory: ratios measured in one run, so that any machine can check them.

One *unit* is ``2 x weights x points`` floating-point operations, the matrix products of one forward
pass. A floor is a number of units divided by the rate at which this machine multiplies float32
matrices at that moment; seconds are compared with floors, never with another machine's seconds.
"""
