"""Wire plans: splits, framings, injections and cuts as data. Pure: bytes in, pieces out."""

from .ends import Terminals, terminals
from .injections import unmarked
from .plan import AS_STORED, PARTS, Delivery, End, Plan, applies, drawn, effect, legal, plans
from .rules import RULES, Effect, Rule

__all__ = [
    "AS_STORED",
    "PARTS",
    "RULES",
    "Delivery",
    "Effect",
    "End",
    "Plan",
    "Rule",
    "Terminals",
    "applies",
    "drawn",
    "effect",
    "legal",
    "plans",
    "terminals",
    "unmarked",
]
