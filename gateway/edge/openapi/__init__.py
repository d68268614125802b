"""`/openapi.json`: every route told to whoever wants to call it, in OpenAPI 3.1.

Made at start from what the code already knows: the table of commands and the glossary of their
parameters (`calls`), the doors for browsers and the rest (`doors`), the tree of errors and the
types of answers (`schemas`). A test holds that no route is missing.
"""
