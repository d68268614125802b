"""Where people look at us: server-rendered pages for the owner of an account.

Above `edge`, whose words for requests and errors it uses; nothing below knows of it.
"""
