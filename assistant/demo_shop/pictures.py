"""The demo shop's pictures: one flat SVG per shape, color, pattern and style, from the drawings beside this file.

A drawing is an SVG whose paints are names instead of colors: `main` and its shades (`pale`, `light`, `dark`, `deep`),
`cloth` (`main`, or the product's pattern), `accent`, and the fixed materials listed in `MATERIALS`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DRAWINGS = Path(__file__).parent / "drawings"
MATERIALS = {
    "ink": "#3a3f45",
    "paper": "#fcfaf5",
    "metal": "#bfc5ca",
    "steel": "#8c949b",
    "wood": "#cda273",
    "bark": "#a37a4f",
    "leaf": "#6f9a5f",
    "fern": "#4f7a48",
    "glass": "#d7e7ec",
    "glow": "#ffe3a3",
    "soil": "#6b4d3a",
    "shadow": "rgba(32,36,44,.13)",
}
BACKDROPS = (("#f0ece3", "#e6dfd1"), ("#e7edee", "#d9e2e4"), ("#f2e9e4", "#e8dbd3"), ("#e9eee4", "#dbe3d3"))
ACCENTS = ("#e0a84f", "#d9776a", "#5d8f94", "#8a84b0")
STYLES = len(BACKDROPS)
MOTIFS = (
    '<circle cx="150" cy="150" r="118" fill="{}"/>',
    '<path d="M0 205h300v95H0z" fill="{}"/>',
    '<path d="M40 300V140a110 110 0 0 1 220 0v160z" fill="{}"/>',
    '<rect x="34" y="34" width="232" height="232" rx="36" fill="{}"/>',
)
PATTERNS = {
    "striped": '<path d="M0 4h24M0 16h24" stroke="{light}" stroke-width="5"/>',
    "checked": '<path d="M6 0v24M0 6h24" stroke="{light}" stroke-width="7" opacity=".75"/>',
    "dotted": '<circle cx="6" cy="6" r="3.4" fill="{light}"/><circle cx="18" cy="18" r="3.4" fill="{light}"/>',
    "floral": '<g fill="{pale}"><circle cx="8" cy="4" r="3"/><circle cx="4" cy="8" r="3"/>'
    '<circle cx="12" cy="8" r="3"/><circle cx="8" cy="12" r="3"/></g><circle cx="8" cy="8" r="2.4" fill="{accent}"/>'
    '<circle cx="19" cy="19" r="2.6" fill="{light}"/>',
    "cable knit": '<path d="M6 0q8 6 0 12t0 12M18 0q-8 6 0 12t0 12" stroke="{dark}" stroke-width="2.5" fill="none"/>',
    "ribbed": '<path d="M4 0v24M12 0v24M20 0v24" stroke="{dark}" stroke-width="2"/>',
    "printed": '<path d="m8 2 2 4 4 .6-3 2.8.7 4L8 11.5l-3.7 1.9.7-4-3-2.8L6 6z" fill="{pale}"/>'
    '<circle cx="19" cy="19" r="3" fill="{accent}"/>',
    "geometric": '<path d="M0 12 12 0l12 12-12 12z" fill="none" stroke="{light}" stroke-width="3"/>',
}


@dataclass(frozen=True)
class Look:
    """What a picture shows: a shape in a color, with a pattern or "solid", in one of four styles."""

    shape: str
    color: str
    pattern: str
    style: int

    @property
    def path(self) -> str:
        """Where the picture lies in the shop's folder."""
        parts = [self.shape, self.color, *([self.pattern] if self.pattern in PATTERNS else []), str(self.style + 1)]
        return f"pictures/{re.sub(r'[^a-z0-9]+', '-', '-'.join(parts).lower())}.svg"


def _mix(color: str, other: str, share: float) -> str:
    """`color` moved toward `other` by `share`."""
    pairs = ((int(color[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


@cache
def _drawing(shape: str) -> str:
    text = (DRAWINGS / f"{shape}.svg").read_text(encoding="utf-8")
    return text[text.index(">") + 1 : text.rindex("</svg>")].strip()


def paint(look: Look, color: str) -> str:
    """The picture as SVG text, 300 by 300; `color` is the hex value of the look's color."""
    brightness = sum(int(color[at : at + 2], 16) for at in (1, 3, 5)) / 765
    paints = MATERIALS | {
        "main": color,
        "pale": _mix(color, "#ffffff", 0.6),
        "light": _mix(color, "#ffffff", 0.3),
        "dark": _mix(color, "#20242c", 0.2 if brightness > 0.25 else 0.45),
        "deep": _mix(color, "#20242c", 0.42 if brightness > 0.25 else 0.7),
        "accent": ACCENTS[look.style],
    }
    patterned = look.pattern in PATTERNS
    marks = paints | {"light": paints["dark"], "pale": paints["dark"]} if brightness > 0.75 else paints
    paints["cloth"] = "url(#cloth)" if patterned else color
    base, tint = BACKDROPS[look.style]
    if brightness > 0.8:  # white things need a darker ground
        base, tint = _mix(base, "#8fa39f", 0.24), _mix(tint, "#8fa39f", 0.36)
    body = re.sub(
        r'(fill|stroke|stop-color)="([a-z]+)"', lambda m: f'{m[1]}="{paints.get(m[2], m[2])}"', _drawing(look.shape)
    )
    cloth = (
        '<defs><pattern id="cloth" width="24" height="24" patternUnits="userSpaceOnUse">'
        f'<path d="M0 0h24v24H0z" fill="{color}"/>{PATTERNS[look.pattern].format(**marks)}</pattern></defs>'
        if patterned
        else ""
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 300" width="300" height="300">'
        f'{cloth}<path d="M0 0h300v300H0z" fill="{base}"/>{MOTIFS[look.style].format(tint)}{body}</svg>\n'
    )
