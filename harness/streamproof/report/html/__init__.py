"""The matrix: adapters x cases on one self-contained page.

facts.py says what the suite knows of a case, data.py packs the outcomes, page.py puts them into template.html with
matrix.css and the scripts. All text of streams and adapters travels as JSON and is shown with `textContent`.
"""
