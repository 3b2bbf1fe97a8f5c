"""The only room that prints: results to stdout, progress to stderr, as text, Markdown or JSON.

Foreign text (names of campaigns, files) passes `display`; phones are masked; totals come first and are
never templated.
"""
