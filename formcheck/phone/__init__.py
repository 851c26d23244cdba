"""A phone tucked into the waistband: its samples, its clock, and how far the pelvis has turned.

Numbers in, numbers out; the page that the phone opens and the socket it talks to are `formcheck.coach.phone`.
"""
