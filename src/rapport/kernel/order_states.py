"""What a shop's word for the state of an order means: that it is called off, or that it stands. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from rapport.kernel.facts import Fact

__all__ = ["OrderState", "order_state", "state_of"]

OrderState = Literal["", "live", "cancelled"]
"""Empty: the word says neither, as `paid`, `refunded` and `draft` do not."""

_CANCELLED_WORDS = """
    cancelled canceled cancel cancellation void voided annulled revoked
    storniert abgebrochen annulliert gekündigt
    annulé annulée abandonnée
    cancelado cancelada anulado anulada
    annullato annullata cancellato cancellata
    geannuleerd
    anulowane anulowano anulowany anulowana
    avbruten avbeställd makulerad avbrutt kansellert avlyst annulleret
    peruutettu peruttu
    zrušeno zrušena zrušená stornováno stornovaná zrušené
    törölve törölt lemondva
    anulat anulată anulata
    отменен отменён отменена отменено отменённый скасовано скасований анулиран отказана
    ακυρώθηκε ακυρωμένη ακυρωμένο
    iptal
    キャンセル キャンセル済み 取消 已取消 取消済み 취소 취소됨 취소완료
    đã_hủy dibatalkan batal ยกเลิก ملغي ملغى בוטל
"""
"""Whole words in which shops' systems and their exports say it, by language."""

_LIVE_WORDS = """
    open reopened restored active placed confirmed accepted approved processing in_process in_progress on_hold completed
    complete fulfilled partially_fulfilled packed ready shipped partially_shipped in_transit delivered
    offen bestätigt in_bearbeitung in_wartestellung abgeschlossen fertiggestellt versendet versandt geliefert
    en_cours confirmée terminée expédiée livrée
    procesando completado completada enviado entregado en_espera confirmado
    in_lavorazione completato confermato spedito consegnato in_sospeso
    verwerken afgerond verzonden geleverd in_de_wacht in_behandeling
    concluído concluída processando em_processamento enviada entregue
    zrealizowane w_trakcie_realizacji
    slutförd behandlas
"""
"""What is paid says nothing: a cancelled order may be, until the money is given back."""


def order_state(word: object) -> OrderState:
    """What a word for an order's state means, in whatever case, with or without accents and WooCommerce's `wc-`.

    >>> [order_state(word) for word in ("wc-cancelled", "Storniert", "In Bearbeitung", "paid", 7)]
    ['cancelled', 'cancelled', 'live', '', '']
    """
    return _state(word) if isinstance(word, str) and len(word) <= 60 else ""


def state_of(fact: Fact) -> OrderState:
    """Whether a fact says that its order is called off, or that it stands."""
    if fact.name == "Order Cancelled":
        return "cancelled"
    is_told = fact.name in ("Order Completed", "Order Updated")
    return order_state(fact.properties.get("status")) if is_told else ""


@lru_cache(maxsize=1_024)
def _state(word: str) -> OrderState:
    plain = _plain(word).removeprefix("wc_")
    return "cancelled" if plain in _CANCELLED else "live" if plain in _LIVE else ""


def _plain(word: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "_", bare).strip("_")


_CANCELLED = frozenset(map(_plain, _CANCELLED_WORDS.split()))
_LIVE = frozenset(map(_plain, _LIVE_WORDS.split()))
