# SPDX-License-Identifier: BSD-3-Clause
"""Charts as SVG, by the standard library alone: panels of lines, and of bars beside each other.

A chart is a title, a subtitle that names machine and command, a legend, and panels that share
one y axis. Panels and series are plain values; see perf/report for the use.
"""
import math
from html import escape

STYLES = {  # name: colour, dash, marker radius; the palette of Okabe and Ito
    "avx512": ("#0072b2", "", 4),
    "avx2": ("#009e73", "", 4),
    "ipsecmb": ("#d55e00", "", 4),
    "portable": ("#7f7f7f", "", 4),
    "auto": ("#000000", "2 5", 0),
    "limit-avx512": ("#0072b2", "8 5", 0),
    "limit2-avx512": ("#0072b2", "2 4", 0),
    "limit-avx2": ("#009e73", "8 5", 0),
}
NAMES = {
    "ipsecmb": "ipsecmb (ipsec-mb, job API)", "portable": "portable (libsodium)",
    "auto": "auto (what the gateway uses)",
    "limit-avx512": "component limit, AVX-512", "limit2-avx512": "the tighter one",
    "limit-avx2": "component limit, AVX2", "promised": "promised of avx512",
}
WIDTH, PANEL_HEIGHT = 1080, 400
LEFT, RIGHT, GAP, BOTTOM = 76, 24, 34, 64
INK, FAINT, GRID = "#1a1a1a", "#5c5c5c", "#e4e4e4"


def text(x, y, what, size=13, anchor="start", colour=INK, more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}"{more}>{escape(str(what))}</text>')


def line(x1, y1, x2, y2, colour, width=1.0, dash=""):
    dash = f' stroke-dasharray="{dash}"' if dash else ""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width}"{dash}/>')


def round_ticks(low, high):
    """1, 2, 5, 10, ... from below low to above high."""
    steps = [m * 10 ** e for e in range(-2, 7) for m in (1, 2, 5)]
    first = max(s for s in steps if s <= low)
    last = min(s for s in steps if s >= high)
    return [s for s in steps if first <= s <= last]


def log_scale(low, high, at_low, at_high):
    span = math.log(high / low)
    return lambda v: at_low + (at_high - at_low) * math.log(v / low) / span


def linear_scale(low, high, at_low, at_high):
    return lambda v: at_low + (at_high - at_low) * (v - low) / (high - low)


def legend(names, top, sample):
    """Entries in a row, wrapped; gives the marks and the y below them."""
    out, x, y = [], LEFT, top
    for name in names:
        label = NAMES.get(name, name)
        needs = 44 + 7.2 * len(label)
        if x + needs > WIDTH - RIGHT:
            x, y = LEFT, y + 22
        out += [*sample(name, x, y - 4.5), text(x + 35, y, label)]
        x += needs + 12
    return out, y + 18


def line_sample(name, x, y):
    colour, dash, radius = STYLES[name]
    yield line(x, y, x + 28, y, colour, 2.5, dash)
    if radius:
        yield f'<circle cx="{x + 14:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'


def bar_sample(name, x, y):
    if name == "promised":
        yield line(x + 4, y, x + 28, y, INK, 3)
    else:
        yield f'<rect x="{x + 12:.1f}" y="{y - 6:.1f}" width="16" height="12" fill="{STYLES[name][0]}"/>'


def frame(title, subtitle, names, sample):
    """What stands above the panels; gives the marks and the panels' top."""
    out = [text(LEFT, 34, title, 19, more=' font-weight="bold"'),
           text(LEFT, 56, subtitle, 12, colour=FAINT)]
    marks, bottom = legend(names, 84, sample)
    return out + marks, bottom + 22


def wrap(marks, height):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
            f'viewBox="0 0 {WIDTH} {height:.0f}" '
            'font-family="DejaVu Sans, Verdana, Helvetica, sans-serif">\n'
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>\n'
            + "\n".join(marks) + "\n</svg>\n")


def y_axis(ticks, scale, left, right, label):
    out = []
    for t in ticks:
        out.append(line(left, scale(t), right, scale(t), GRID))
        if label:
            out.append(text(left - 8, scale(t) + 4.5, f"{t:g}", 12, "end"))
    if label:
        middle = (scale(ticks[0]) + scale(ticks[-1])) / 2
        out.append(text(20, middle, label, 13, "middle", FAINT,
                        f' transform="rotate(-90 20 {middle:.1f})"'))
    return out


def series_marks(name, points, x_of, y_of):
    colour, dash, radius = STYLES[name]
    where = [(x_of(x), y_of(y)) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in where)
    dash = f' stroke-dasharray="{dash}"' if dash else ""
    yield (f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5" '
           f'stroke-linejoin="round"{dash}/>')
    for x, y in where if radius else []:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>'


def panels_of(count):
    """(left, right) of each."""
    width = (WIDTH - LEFT - RIGHT - (count - 1) * GAP) / count
    return [(LEFT + i * (width + GAP), LEFT + i * (width + GAP) + width) for i in range(count)]


def lines(title, subtitle, panels, x_label, y_label):
    """panels: [(name, {series: [(x, y), ...]})]; both axes logarithmic, x ticks where points are."""
    names = [n for n in STYLES if any(n in series for _, series in panels)]
    xs = sorted({x for _, s in panels for points in s.values() for x, _ in points})
    ys = [y for _, s in panels for points in s.values() for _, y in points]
    marks, top = frame(title, subtitle, names, line_sample)
    bottom = top + PANEL_HEIGHT
    ticks = round_ticks(min(ys), max(ys))
    y_of = log_scale(ticks[0], ticks[-1], bottom, top)
    for i, ((left, right), (name, series)) in enumerate(zip(panels_of(len(panels)), panels)):
        x_of = log_scale(xs[0], xs[-1], left + 18, right - 18)
        marks += y_axis(ticks, y_of, left, right, "" if i else y_label)
        marks.append(text((left + right) / 2, top - 9, name, 14, "middle",
                          more=' font-weight="bold"'))
        for x in xs:
            marks.append(line(x_of(x), top, x_of(x), bottom, GRID))
            marks.append(text(x_of(x), bottom + 19, x, 12, "middle"))
        marks.append(line(left, bottom, right, bottom, INK))
        marks.append(text((left + right) / 2, bottom + 44, x_label, 13, "middle", FAINT))
        for n in reversed([n for n in names if n in series]):
            marks += series_marks(n, series[n], x_of, y_of)
    return wrap(marks, bottom + BOTTOM)


def bars(title, subtitle, panels, x_label, y_label):
    """panels: [(name, [(category, {series: value}, promised or None), ...])]; y from 0."""
    names = [n for n in STYLES if any(n in v for _, rows in panels for _, v, _ in rows)]
    high = max(y for _, rows in panels for _, v, p in rows for y in [*v.values(), p or 0])
    step = 1 if high > 3 else 0.5
    ticks = [i * step for i in range(int(high / step) + 2)]
    is_promised = any(p for _, rows in panels for _, _, p in rows)
    marks, top = frame(title, subtitle, names + ["promised"] * is_promised, bar_sample)
    bottom = top + PANEL_HEIGHT
    y_of = linear_scale(0, ticks[-1], bottom, top)
    for i, ((left, right), (name, rows)) in enumerate(zip(panels_of(len(panels)), panels)):
        marks += y_axis(ticks, y_of, left, right, "" if i else y_label)
        marks.append(text((left + right) / 2, top - 9, name, 14, "middle",
                          more=' font-weight="bold"'))
        slot = (right - left) / len(rows)
        width = slot * 0.8 / len(names)
        for k, (category, values, promised) in enumerate(rows):
            x = left + slot * (k + 0.1)
            for j, n in enumerate(names):
                marks += one_bar(x + j * width, width, values.get(n), y_of, STYLES[n][0])
            if promised:
                marks.append(line(x, y_of(promised), x + width, y_of(promised), INK, 3))
            marks.append(text(left + slot * (k + 0.5), bottom + 19, category, 12, "middle"))
        marks.append(line(left, bottom, right, bottom, INK))
        marks.append(text((left + right) / 2, bottom + 44, x_label, 13, "middle", FAINT))
    return wrap(marks, bottom + BOTTOM)


def one_bar(x, width, value, y_of, colour):
    if value is None:
        return []
    y, base = y_of(value), y_of(0)
    return [f'<rect x="{x:.1f}" y="{y:.1f}" width="{width - 2:.1f}" height="{base - y:.1f}" '
            f'fill="{colour}"/>',
            text(x + width / 2 - 1, y - 5, f"{value:.1f}", 11, "middle")]
