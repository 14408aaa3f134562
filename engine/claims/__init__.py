"""What an experiment claims, and what came of it."""

from typing import TYPE_CHECKING

from utils.lazy import lazy_names

if TYPE_CHECKING:
    from engine.claims.claim import Claim
    from engine.claims.notes import Notes, Successor
    from engine.claims.verdict import Verdict

__all__ = ["Claim", "Notes", "Successor", "Verdict"]

__getattr__ = lazy_names(__name__, {"Claim": "claim", "Notes": "notes", "Successor": "notes", "Verdict": "verdict"})
