"""What is wanted: projects, campaigns and policies as people write them, read with positions.

`model`, `project` and `policy` hold the shapes, `load` reads a whole project and reports every problem
of every file at once, `safe_open` is the only way by which a file that a spec names is opened. Nothing
here knows of recipients, ledgers or the provider.
"""
