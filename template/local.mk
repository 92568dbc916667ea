# Your own targets; the Makefile includes this file, and updates of the template leave it alone.
