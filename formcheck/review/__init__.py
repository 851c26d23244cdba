"""`formcheck review`: a web page on this computer for physiotherapists, on a folder of sessions."""
