"""The HTTP shell: who may do what, one shape of error, the API document, and the frame of the console.

Rooms bring API handlers (`routes.py`) and console pages (`pages.py`); `create_app` joins them behind guards that deny
whatever names no permission.
"""
