"""Errors, classed by who must act on them.

Every message names the bad value, the valid ones where they can be listed, and the cure.
"""

from __future__ import annotations


class ShopwrightError(Exception):
    """Base of every error this project raises on purpose; `str(error)` is fit to be read by a person."""


class ShopperError(ShopwrightError):
    """The shopper can cure it: an empty message, a message that is too long."""


class MerchantError(ShopwrightError):
    """The shop's owner can cure it: a broken feed, an unknown filter, a missing policy page."""


class OperatorError(ShopwrightError):
    """Whoever runs the machine can cure it: a full disk, a dead model, an index that does not match."""
