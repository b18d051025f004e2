"""PEP 249 over ``execute.session``: connections and cursors."""
