"""What cloth, wood, stone and wicker look like from near: patterns laid over a body, in the colour `ink`."""

from __future__ import annotations

__all__ = ["TEXTURES"]


def _pattern(wide: float, high: float, inside: str, more: str = "") -> str:
    return f'<pattern id="{{id}}" width="{wide:g}" height="{high:g}" patternUnits="userSpaceOnUse"{more}>{inside}</pattern>'


def _lines(path: str, width: float, opacity: float) -> str:
    return f'<path d="{path}" fill="none" stroke="{{ink}}" stroke-width="{width:g}" opacity="{opacity:g}"/>'


_LINEN = _lines("M0 1h6M0 4h6M1 0v6M4 0v6", 0.5, 0.13) + _lines("M2 2.5h3M5.5 1v3", 0.7, 0.16)

TEXTURES: dict[str, str] = {
    "knit": _pattern(7, 6, _lines("M.4 .6 3.5 4.4 6.6 .6M.4 3.6 3.5 7.4 6.6 3.6M.4-2.4 3.5 1.4 6.6-2.4", 1.1, 0.2)),
    "chunky": _pattern(11, 9, _lines("M.6 1 5.5 7 10.4 1M.6-3.5 5.5 2.5 10.4-3.5M.6 5.5 5.5 11.5 10.4 5.5", 1.6, 0.2)),
    "rib": _pattern(5, 8, _lines("M1 0v8", 1.5, 0.22) + _lines("M3.6 0v8", 0.8, 0.08)),
    "linen": _pattern(6, 6, _LINEN, ' patternTransform="rotate(2)"'),
    "denim": _pattern(3, 3, _lines("M-1 4 4-1M-1 1 1-1M2 4 4 2", 0.7, 0.2)),
    "twill": _pattern(4, 4, _lines("M-1 5 5-1M-1 1 1-1M3 5 5 3", 0.6, 0.16)),
    "cord": _pattern(6, 6, _lines("M1 0v6", 1.8, 0.2) + _lines("M4 0v6", 1, 0.05)),
    "wool": _pattern(9, 7, _lines("M1 1l2 1M5 3l2-1M2 5l2 1M7 6l1-1M6 .5h1.4M.5 3.4h1.2", 0.8, 0.22)),
    "herringbone": _pattern(12, 6, _lines("M0 0l6 6M0-3l6 6M0 3l6 6M6 6l6-6M6 3l6-6M6 9l6-6", 0.8, 0.2)),
    "terry": _pattern(5, 5, _lines("M1 1.6q.8-1.4 1.6 0M3.4 4q.8-1.4 1.6 0", 0.8, 0.24)),
    "leather": _pattern(13, 11, _lines("M2 2q1 1 2 0M8 4q1-1 2 0M4 8q1 1 2 0M10 9q1-1 2 0M0 6h1", 0.6, 0.2)),
    "suede": _pattern(6, 6, _lines("M1 1h.6M4 2h.6M2 4h.6M5 5h.6M3 .4v.5M.6 3v.5", 0.7, 0.28)),
    "canvas": _pattern(4, 4, _lines("M0 1h4M0 3h4M1 0v4M3 0v4", 0.6, 0.14)),
    "stripes": _pattern(10, 14, '<path d="M0 4h10v4.6H0z" fill="{ink}"/>'),
    "pinstripe": _pattern(9, 9, _lines("M4 0v9", 0.8, 0.5)),
    "ticking": _pattern(14, 14, _lines("M3 0v14", 2, 0.55) + _lines("M6.5 0v14M9 0v14", 0.7, 0.45)),
    "check": _pattern(
        34, 34,
        '<path d="M0 4h34v10H0zM4 0h10v34H4z" fill="{ink}" opacity=".34"/>' + _lines("M0 24h34M24 0v34", 1.6, 0.5),
    ),
    "gingham": _pattern(10, 10, '<path d="M0 0h5v10H0zM0 0h10v5H0z" fill="{ink}" opacity=".42"/>'),
    "tartan": _pattern(
        56, 56,
        '<path d="M0 6h56v16H0zM6 0h16v56H6z" fill="{ink}" opacity=".3"/>'
        '<path d="M0 40h56v5H0zM40 0h5v56h-5z" fill="#fff" opacity=".3"/>' + _lines("M0 30h56M30 0v56", 1.4, 0.7),
    ),
    "paisley": _pattern(
        34, 34,
        '<g fill="{ink}"><path d="M8 4q9 1 7 10-3 6-8 3 5-5 1-13z" opacity=".75"/>'
        '<path d="M25 21q9 1 7 10-3 6-8 3 5-5 1-13z" opacity=".75"/><circle cx="26" cy="9" r="1.6"/>'
        '<circle cx="9" cy="27" r="1.6"/></g>',
    ),
    "dots": _pattern(12, 12, '<g fill="{ink}"><circle cx="3" cy="3" r="1.5"/><circle cx="9" cy="9" r="1.5"/></g>'),
    "stars": _pattern(30, 30, '<path d="M8 3l1.4 3.2L13 6.6l-2.6 2.2.8 3.6L8 10.6l-3.2 1.8.8-3.6L3 6.6l3.6-.4z'
                      'M23 18l1.4 3.2 3.6.4-2.6 2.2.8 3.6-3.2-1.8-3.2 1.8.8-3.6-2.6-2.2 3.6-.4z" fill="{ink}"/>'),
    "quilt": _pattern(34, 34, _lines("M0 17 17 0 34 17 17 34Z", 1.6, 0.3) + _lines("M0 18.6 17 35.6 34 18.6", 1, 0.1)),
    "wicker": _pattern(
        20, 12,
        '<g fill="none" stroke="{ink}"><path d="M0 3q5-4 10 0t10 0M0 9q5 4 10 0t10 0" stroke-width="2.6" opacity=".34"/>'
        '<path d="M5 0v12M15 0v12" stroke-width="2" opacity=".22"/></g>',
    ),
    "straw": _pattern(8, 6, _lines("M0 0l4 3-4 3M4 3l4-3M4 3l4 3", 1, 0.25)),
    "wood": _pattern(
        90, 26, _lines("M0 4q22-5 45 0t45 0M0 10q30 5 50 0t40 0M0 17q20-6 40 0t50 0M0 23q30 4 60 0t30 0", 1.1, 0.2)
        + _lines("M50 13q8-3 14 0-6 3-14 0z", 1, 0.25),
    ),
    "marble": _pattern(
        120, 130,
        _lines("M-5 30q30-20 50 10t80 0M10 90q30-30 60 0t60-20M70-5q-10 40 10 70", 1.3, 0.22)
        + _lines("M0 60q40-10 60 10M60 120q20-20 60-10M20 0l20 30", 0.7, 0.25),
    ),
    "speckle": _pattern(
        46, 42,
        '<g fill="{ink}" opacity=".38"><circle cx="6" cy="9" r=".9"/><circle cx="21" cy="5" r=".6"/><circle cx="34" '
        'cy="15" r="1"/><circle cx="12" cy="24" r=".7"/><circle cx="28" cy="31" r=".9"/><circle cx="41" cy="36" '
        'r=".6"/><circle cx="7" cy="38" r=".7"/><circle cx="40" cy="3" r=".7"/></g>',
    ),
    "kraft": _pattern(17, 15, _lines("M2 2h2M9 5h1.5M5 9h1M13 12h2M12 2v1.2M3 13h.8", 0.6, 0.2)),
    "crumb": _pattern(
        23, 21,
        '<g fill="{ink}" opacity=".26"><ellipse cx="5" cy="5" rx="2.2" ry="1.5"/><ellipse cx="15" cy="4" rx="1.2" ry="1"/>'
        '<ellipse cx="11" cy="12" rx="1.8" ry="1.3"/><ellipse cx="20" cy="15" rx="1.5" ry="1.2"/>'
        '<ellipse cx="4" cy="17" rx="1.3" ry="1"/></g>',
    ),
    "veins": _pattern(
        52, 46,
        '<g fill="none" stroke="{ink}" stroke-linecap="round" opacity=".75"><path d="M4 8q6-6 12 1t10 0M30 22q6 5 12-1" '
        'stroke-width="3.4"/><path d="M8 30q5 5 11 1M38 6q3 5 8 4M24 40q7-4 12 1" stroke-width="2.2"/></g>',
    ),
}  # fmt: skip
