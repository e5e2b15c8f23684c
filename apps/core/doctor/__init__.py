"""`manage.py doctor`: looks at an installation and says what is wrong and what to do about it.

It has to work where nothing else does, so only the standard library is imported until something else is asked for.
"""
