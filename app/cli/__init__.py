"""The people's door: what runs the service, and what talks to it over HTTP.

Modules import only click at the top; everything heavier waits inside the command that needs it, so that ``--help`` is
instant and a client command never loads the server.
"""
