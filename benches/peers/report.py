#!/usr/bin/env python3
"""Tables and plots from the rows that run.py writes: `report.py results.jsonl`."""

import json
import math
import sys
from collections import defaultdict
from pathlib import Path


def geomean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values)) if values else float("nan")


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def load(path):
    """Rows by case and peer; of several runs, the median of their times."""
    grouped = defaultdict(list)
    for line in Path(path).read_text().splitlines():
        row = json.loads(line)
        grouped[row["id"], row["peer"]].append(row)
    cases = defaultdict(dict)
    for (case, peer), rows in grouped.items():
        timed = [row for row in rows if "min_s" in row]
        merged = dict(rows[0] if not timed else timed[0])
        for field in ("min_s", "med_s", "first_s", "gflops"):
            values = [row[field] for row in timed if field in row]
            if values:
                merged[field] = median(values)
        cases[case][peer] = merged
    return cases


def compare(cases, field="min_s"):
    """One entry for each case with a peer: class, dtype, best peer and the ratio (0 if tcc has no result)."""
    found = []
    for case, rows in cases.items():
        peers = {peer: row[field] for peer, row in rows.items() if peer != "tcc" and field in row}
        if not peers:
            continue
        best = min(peers, key=peers.get)
        tcc = rows.get("tcc", {})
        first = next(iter(rows.values()))
        found.append({
            "id": case, "class": first["class"], "dtype": first["dtype"], "best": best, "best_s": peers[best],
            "tcc_s": tcc.get(field), "ratio": peers[best] / tcc[field] if field in tcc else 0.0,
            "status": tcc.get("status", "not run"), "gflops": tcc.get("gflops"),
        })
    return found


def time_text(seconds):
    if seconds is None:
        return ""
    for unit, scale in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def class_table(entries):
    """Per class and dtype: geometric mean, worst case, and who was best how often."""
    groups = defaultdict(list)
    for entry in entries:
        groups[entry["class"], entry["dtype"]].append(entry)
    lines = [
        "| class | dtype | cases | geomean of ratios | worst | worst case | best peers |",
        "| --- | --- | ---: | ---: | ---: | --- | --- |",
    ]
    for (name, dtype), group in sorted(groups.items()):
        timed = [entry["ratio"] for entry in group if entry["ratio"] > 0]
        worst = min(group, key=lambda entry: entry["ratio"])
        counts = defaultdict(int)
        for entry in group:
            counts[entry["best"]] += 1
        missing = len(group) - len(timed)
        note = f" ({missing} without result)" if missing else ""
        best = ", ".join(f"{peer} {count}" for peer, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        lines.append(
            f"| {name} | {dtype} | {len(group)} | {geomean(timed):.2f}{note} | {worst['ratio']:.2f} "
            f"| {worst['id']} ({worst['best']}) | {best} |"
        )
    return "\n".join(lines)


def case_table(entries):
    """Every case."""
    lines = ["| case | tcc | GF/s | best peer | its time | ratio |", "| --- | ---: | ---: | --- | ---: | ---: |"]
    for entry in entries:
        tcc = time_text(entry["tcc_s"]) or entry["status"]
        gflops = f"{entry['gflops']:.1f}" if entry["gflops"] else ""
        lines.append(
            f"| {entry['id']} | {tcc} | {gflops} | {entry['best']} | {time_text(entry['best_s'])} | {entry['ratio']:.2f} |"
        )
    return "\n".join(lines)


# A plot: one row for each class, one dot for each case, on a logarithmic axis of ratios.
WIDTH, LEFT, ROW, TOP = 860, 150, 22, 40
LOW, HIGH = -3.0, 2.0


def plot(entries):
    """The ratios as SVG. Right of the line tcc is faster than the best peer."""
    groups = defaultdict(list)
    for entry in entries:
        groups[f"{entry['class']} {entry['dtype']}"].append(entry)
    height = TOP + ROW * len(groups) + 40
    place = lambda ratio: LEFT + (min(max(math.log10(ratio), LOW), HIGH) - LOW) / (HIGH - LOW) * (WIDTH - LEFT - 20)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="16">time of the best peer / time of tcc, one dot for each case, line: geometric mean</text>',
    ]
    bottom = TOP + ROW * len(groups)
    for tick in (0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 100):
        x, weight = place(tick), 1.5 if tick == 1 else 0.5
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 10}" x2="{x:.1f}" y2="{bottom}" stroke="#888" stroke-width="{weight}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{tick:g}</text>')
    for index, (name, group) in enumerate(sorted(groups.items())):
        y = TOP + ROW * index + ROW / 2
        parts.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{name}</text>')
        for entry in group:
            ratio = entry["ratio"]
            title = f"<title>{entry['id']}: {ratio:.2f} ({entry['best']})</title>"
            if ratio <= 0:
                parts.append(f'<text x="{place(10 ** LOW)}" y="{y + 4}" fill="#c33">x{title}</text>')
                continue
            color = "#287" if ratio >= 1 else "#c63"
            parts.append(f'<circle cx="{place(ratio):.1f}" cy="{y}" r="4" fill="{color}" fill-opacity="0.6">{title}</circle>')
        timed = [entry["ratio"] for entry in group if entry["ratio"] > 0]
        if timed:
            x = place(geomean(timed))
            parts.append(f'<line x1="{x:.1f}" y1="{y - 8}" x2="{x:.1f}" y2="{y + 8}" stroke="black" stroke-width="2"/>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def write(path, folder):
    """Writes report.md and ratios.svg, and prints the table of classes."""
    cases = load(path)
    entries, medians = compare(cases), compare(cases, "med_s")
    table = class_table(entries)
    bad = [row for rows in cases.values() for row in rows.values() if row["status"] not in ("ok",)]
    text = [
        "# tcc beside its peers", "", "Ratio: time of the best peer / time of tcc; minima.", "", table, "",
        "The same from medians.", "", class_table(medians), "", "## Cases", "", case_table(entries), "",
        "## Without a result", "",
    ]
    text += [f"- {row['id']} {row['peer']}: {row['status']} {row.get('why', row.get('error', ''))}" for row in bad]
    Path(folder, "report.md").write_text("\n".join(text) + "\n")
    Path(folder, "ratios.svg").write_text(plot(entries))
    print(table)


if __name__ == "__main__":
    write(sys.argv[1], Path(sys.argv[1]).parent)
