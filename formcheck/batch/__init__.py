"""Many videos, one process each, on this computer or on a Dask cluster; resumable.

A video is done when its folder holds a finished result that was made from this very file by the same
formcheck, engine, weights and definition; then it is skipped. A video that cannot be analysed, or that takes
its process down with it, is told and costs the others nothing.
"""
