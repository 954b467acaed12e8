"""What people write in reviews, by department and mark: a title and a text each."""

from __future__ import annotations

__all__ = ["OPINIONS", "fits"]

_ROWS: dict[str, dict[int, str]] = {
    "Wine": {
        5: """
            Ordered a second case ; The first did not survive the weekend.
            Better than its price ; We poured it blind beside one twice as dear and nobody guessed right.
            The one we open for friends ; Everybody asks for the name, which is the best review I know.
            Exactly as described ; Smelled it, read the card, laughed: it really is there.
            Arrived fast and cool ; Two days, well packed, not one broken.
            House wine from now on ; Balanced, clean, and no headache on Sunday.
            """,
        4: """
            Very good with food ; On its own a little strict, with dinner just right.
            Give it an hour ; Closed when we opened it, lovely by the cheese.
            Good, not grand ; Does what it promises. I would buy it again on offer.
            A steady bottle ; Third vintage I have had, always dependable.
            """,
        3: """
            Pleasant enough ; Nothing wrong, nothing I remember either.
            Thinner than I hoped ; Fine on a weekday, I would not bring it to dinner.
            Fair ; Good nose, short finish.
            """,
        2: """
            Not for me ; Too sharp; half of it went into the sauce.
            Disappointing this year ; Last year's was rounder.
            """,
        1: """
            Corked ; It happens. The shop sent another the same day.
            Broken on arrival ; Refunded without a word, but the sofa is red.
            """,
    },
    "Food": {
        5: """
            Cannot go back now ; The supermarket's tastes of nothing since.
            Gone by Tuesday ; I hid it. They found it.
            Tastes like the holiday ; Closed my eyes, was back in the little place by the harbour.
            Worth every penny ; A little goes a long way and all of it is good.
            My cupboard staple ; Fifth order. That says it.
            A present that worked ; My mother rang twice.
            """,
        4: """
            Really good ; I would love a larger pack.
            Delicious, a bit dear ; For Sundays rather than every day.
            Good and honest ; Short list of ingredients, long taste.
            Nearly perfect ; A touch less salt and I would give five.
            """,
        3: """
            All right ; Good, but I expected more from the description.
            Fine ; Does the job; I shall try another next time.
            Mixed feelings ; Half the family loves it, half does not.
            """,
        2: """
            Too little for the money ; Nice, but it was gone in one sitting.
            Came with a short date ; Five days left when it arrived.
            """,
        1: """
            Lid was open ; Leaked through the box. Replaced at once, still a mess.
            Not what I ordered ; Got another kind. Sorted by telephone.
            """,
    },
    "Home": {
        5: """
            Made to last ; Heavy in the hand, neat at every edge.
            Even nicer on the table ; The picture does not do it justice.
            Uses it daily ; A year on and it looks as it did the first day.
            Beautiful and useful ; There are not many things of which both is true.
            Bought one, then the set ; It started with one.
            Gave it as a wedding present ; Then ordered it for ourselves.
            """,
        4: """
            Lovely, smaller than I thought ; Read the measurements. I did not.
            Very well made ; The colour is a little warmer than on my screen.
            Good value ; One tiny mark in the finish, which I have decided to like.
            Does its job ; And looks well doing it.
            """,
        3: """
            Decent ; Good, but not special at the price.
            A little fiddly ; It works; it took me three tries to see how.
            Nice but needs care ; I had hoped for the dishwasher.
            """,
        2: """
            Less solid than it looks ; Fine for now, I shall see.
            Chipped after a month ; I was careful, I think.
            Not quite straight ; It wobbles. Waiting for an answer.
            """,
        1: """
            Arrived in two pieces ; It had been one. Refunded the same week.
            Sent it back ; Not the colour of the picture at all.
            """,
    },
    "Clothing": {
        5: """
            Fits as if made for me ; Ordered my usual size, kept it on all day.
            The cloth is wonderful ; Soft, dense, and it falls beautifully.
            Third one in three colours ; I know what I like now.
            Still like new ; Washed twenty times, kept its shape.
            Compliments every time ; From strangers on the bus, too.
            Worth waiting for ; Back in stock on a Thursday, mine by Saturday.
            """,
        4: """
            Lovely, runs a little large ; Went down one size and it was right.
            Very good quality ; Sleeves a touch long for me.
            Nice cut ; I would like it in more colours.
            Good, with one wish ; It could come in half a size.
            Comfortable ; Needs an iron, otherwise perfect.
            """,
        3: """
            Good, not great ; The cloth is nice, the fit is so-so.
            Smaller than expected ; Exchange was quick, though.
            All right ; Better on the hanger than on me.
            """,
        2: """
            Not as comfortable as I hoped ; I gave it two weeks.
            Pilled early ; After a month under a rucksack. Should it?
            Does not fit ; Narrow at the shoulder, wide at the waist.
            """,
        1: """
            Sent it straight back ; Wrong size in the right bag.
            A seam opened ; On the second day. Repaired for nothing, to be fair.
            """,
    },
}  # fmt: skip


def _read(rows: str) -> tuple[tuple[str, str], ...]:
    lines = (line.strip().split(" ; ") for line in rows.strip().splitlines())
    return tuple((title, text) for title, text in lines)


OPINIONS: dict[str, dict[int, tuple[tuple[str, str], ...]]] = {
    department: {rating: _read(rows) for rating, rows in by_rating.items()} for department, by_rating in _ROWS.items()
}
"""Per department and mark the titles and texts there are."""

_CLOTH = ("sleeve", "cloth", "cut", "iron", "washed", "pilled", "shoulder", "hanger", "seam")
_HARD = ("chipped", "wobble", "dishwasher", "in the hand", "two pieces", "fiddly", "on the table")
_NOT_SAID_OF = (
    ({"shoe", "belt", "bag", "wallet", "sunglasses", "hat", "gloves", "socks"}, _CLOTH),
    ({"towel", "bedding", "throw", "linen", "cushion", "picnic", "apron", "soap", "candle", "light"}, _HARD),
    ({"cheese", "charcuterie", "bread"}, ("lid was open", "cupboard")),
    ({"sparkling", "white", "rose"}, ("give it an hour",)),
)


def fits(opinion: tuple[str, str], tags: tuple[str, ...]) -> bool:
    """Whether a thing with these tags can be spoken of so: nobody praises the sleeves of a shoe."""
    said = " ".join(opinion).lower()
    return not any(kinds & set(tags) and any(word in said for word in words) for kinds, words in _NOT_SAID_OF)
