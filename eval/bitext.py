"""The validation part of the Bitext sample of customer-service messages: 27 intents, as this project's.

From https://github.com/bitext/customer-support-intent-detection-training-dataset (CDLA-Sharing-1.0). Its training part
is never read here, and nothing of either is part of the project.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.intent import Intent
from retrieval.errors import MerchantError

FILE = Path("bitext_intent_8k", "Bitext_Sample_Customer_Service_Validation_Dataset.csv")

_POLICY, _ORDER, _PERSON, _BUY, _FIND = Intent.POLICY, Intent.ORDER, Intent.PERSON, Intent.BUY, Intent.FIND

# Their intent -> ours: the first is what is expected; the others do the shopper as good a service.
INTENTS: Mapping[str, tuple[Intent, ...]] = {
    # Accounts are no business of an assistant that reads pages and products: it says what the pages say, or who helps.
    "create_account": (_POLICY, _PERSON),
    "delete_account": (_POLICY, _PERSON),
    "edit_account": (_POLICY, _PERSON),
    "recover_password": (_POLICY, _PERSON),
    "registration_problems": (_PERSON, _POLICY),
    "switch_account": (_POLICY, _PERSON),
    "check_cancellation_fee": (_POLICY, _ORDER),  # the fee for canceling an order
    "contact_customer_service": (_PERSON,),
    "contact_human_agent": (_PERSON,),
    "delivery_options": (_POLICY,),
    "delivery_period": (_POLICY, _ORDER),  # "when is my package going to arrive" is among them
    "complaint": (_PERSON, _POLICY),  # most ask how a claim is filed
    "review": (_PERSON, _POLICY),
    "check_invoice": (_ORDER, _POLICY),  # an invoice belongs to an order, and the pages say how it comes
    "get_invoice": (_ORDER, _POLICY),
    "newsletter_subscription": (_POLICY, _PERSON),
    "cancel_order": (_ORDER, _POLICY),  # many ask how it is done
    "change_order": (_ORDER, _POLICY),
    "place_order": (_BUY, _POLICY, _FIND),  # "I want to buy some products" names none: asking which is an answer
    "track_order": (_ORDER,),
    "check_payment_methods": (_POLICY,),
    "payment_issue": (_PERSON, _POLICY, _ORDER),  # a payment that failed: the pages tell what becomes of the order
    "check_refund_policy": (_POLICY,),
    "get_refund": (_POLICY, _ORDER),
    "track_refund": (_ORDER,),
    "change_shipping_address": (_ORDER, _POLICY, _PERSON),
    "set_up_shipping_address": (_POLICY, _ORDER, _PERSON),
}


@dataclass(frozen=True)
class Labelled:
    """A message and its intent there; `id` is its row."""

    id: str
    text: str
    label: str

    def observed(self, understood: Intent) -> tuple[str, str]:
        """What was expected, and what was understood in its place: the same where that is accepted."""
        wanted = INTENTS[self.label]
        return wanted[0].value, (wanted[0] if understood in wanted else understood).value


def read(file: Path) -> list[Labelled]:
    """The messages of the validation file, in its order.

    Raises:
        MerchantError: it cannot be read, or has other columns or intents; names file and line.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            return [_labelled(f"{file}, line {rows.line_num}", row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MerchantError(f"{file} cannot be read ({error}); download it again") from error


def _labelled(place: str, row: Mapping[str, str | None]) -> Labelled:
    text, label = row.get("utterance") or "", row.get("intent") or ""
    if not text:
        raise MerchantError(f"{place}: there is no utterance; the file has the columns utterance and intent")
    if label not in INTENTS:
        raise MerchantError(f"{place}: the intent {label!r} is not one of {', '.join(INTENTS)}")
    return Labelled(f"bitext-{place.rpartition(' ')[2]}", text, label)
