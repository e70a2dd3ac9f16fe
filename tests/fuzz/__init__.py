"""The fuzzer: damaged streams of every protocol through our adapters, and what must hold for all of them.

`nox -s fuzz` runs it (`__main__.py`); tests/test_fuzz.py holds the same laws against small streams. The way of an
input: a seed (seeds.py) as events (streams.py), damaged by the choices of a `random.Random` (mutations.py), which an
engine brings (engines.py), through an adapter and its laws (laws.py) under limits of time and memory (limits.py).
"""
