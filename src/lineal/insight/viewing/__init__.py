"""A page that shows models, programs and runs in a browser."""
