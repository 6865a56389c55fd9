#!/usr/bin/env python3
"""One page of the paper's figures as nanolase draws them: picture, configuration, time taken, and what agrees.

    gallery.py FILE.h5 [FILE.h5 ...] [-d OUTDIR]

The pictures are those that figures.py and critical_exponent.py put into OUTDIR; the page, OUTDIR/index.html, stands
beside them and needs nothing else. A figure whose files are not all given is left out, and named.
"""
import argparse
import datetime
import html
import os
import sys

from figures import figure_name
from gallery_remarks import ENTRIES
from result_file import Problem, Result, exit_code, text_of

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>nanolase: figures</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 Georgia, serif; max-width: 58rem; margin: 2rem auto; padding: 0 1rem; }}
img {{ max-width: 100%; background: white; }}
h2 {{ margin-top: 3rem; border-top: 1px solid #8888; padding-top: 1rem; }}
nav a {{ white-space: nowrap; margin-right: 1em; }}
pre {{ font-size: 0.8rem; overflow-x: auto; padding: 0.5rem; border: 1px solid #8888; }}
.made, .left {{ color: #777; font-size: 0.9rem; }}
.bad {{ color: #d55e00; }}
</style>
</head>
<body>
<h1>Dissipative Josephson effect in coupled nanolasers: figures</h1>
<p>The figures of the paper of that name (S. Fernández-Lorenzo and D. Porras), computed by nanolase from the
configurations in <code>configs/</code>. Numbers in the text are taken from the results shown.</p>
<nav>{contents}</nav>
{sections}
{left_out}
</body>
</html>
"""

SECTION = """<section id="{anchor}">
<h2>{title}</h2>
<p>{paper}</p>
<p>{pictures}</p>
{agrees}{differs}
{made}
</section>
"""


def anchor(title):
    return "".join(c if c.isalnum() else "-" for c in title.lower()).strip("-")


def time_of(result, name):
    return datetime.datetime.strptime(text_of(result.file.attrs[name]), "%Y-%m-%dT%H:%M:%SZ")


def duration(result):
    """Wall time from start to end, in words."""
    seconds = (time_of(result, "end_time") - time_of(result, "start_time")).total_seconds()
    return "about a second or less" if seconds <= 1 else f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def made_by(result):
    """A line of provenance, and the resolved configuration folded away."""
    about = {name: html.escape(text_of(value)) for name, value in result.file.attrs.items()}
    threads = f", threads: {about['threads']}" if about["backend"] == "cpu" else ""
    note = result.unconverged_note()
    file = "" if result.stem == result.name else f" ({result.stem}.h5)"
    return (f'<details class="made"><summary>{html.escape(result.name + ".ini" + file)}: {result.converged.size} points in '
            f"{duration(result)} on {about['device']}{threads}, {about['precision']} precision; nanolase {about['version']} "
            f"({about['commit']}), {about['end_time'][:10]}"
            f"{f'; <span class=bad>{note}</span>' if note else ''}</summary><pre>{about['config']}</pre></details>")


def listed(heading, sentences):
    if not sentences:
        return ""
    return f"<h3>{heading}</h3>\n<ul>\n" + "".join(f"<li>{s}</li>\n" for s in sentences) + "</ul>\n"


def section(entry, results, outdir):
    members = {name: results[name] for name in entry.files}
    pictures = [stem + ".png" for stem in entry.pictures]
    for picture in pictures:
        if not os.path.exists(os.path.join(outdir, picture)):
            raise Problem(f"{os.path.join(outdir, picture)}: no such picture; figures.py draws it")
    agrees, differs = entry.remarks(members)
    return SECTION.format(anchor=anchor(entry.title), title=entry.title, paper=entry.paper,
                          pictures="".join(f'<img src="{p}" alt="{entry.title}">' for p in pictures),
                          agrees=listed("As in the paper", agrees), differs=listed("Differently, and further", differs),
                          made="".join(made_by(result) for result in members.values()))


def entry_name(result):
    """What ENTRIES calls the result: its figure, its configuration, or where several results share that, its file."""
    wanted = {name for entry in ENTRIES for name in entry.files}
    return figure_name(result) or next((n for n in (result.name, result.stem) if n in wanted), result.name)


def page(results, outdir):
    shown = [entry for entry in ENTRIES if all(name in results for name in entry.files)]
    missing = [name for entry in ENTRIES for name in entry.files if name not in results]
    left_out = f'<p class="left">Not run: {", ".join(name + ".ini" for name in missing)}.</p>' if missing else ""
    return PAGE.format(contents="\n".join(f'<a href="#{anchor(e.title)}">{e.title}</a>' for e in shown),
                       sections="".join(section(entry, results, outdir) for entry in shown), left_out=left_out)


def write_page(options):
    results = {entry_name(r): r for r in map(Result, options.files)}
    path = os.path.join(options.outdir, "index.html")
    text = page(results, options.outdir)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    print(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", metavar="FILE.h5", help="result of `nanolase run`")
    parser.add_argument("-d", dest="outdir", metavar="OUTDIR", default=".", help="folder of the pictures (default: .)")
    options = parser.parse_args()
    return exit_code("gallery.py", options.outdir, lambda: write_page(options))


if __name__ == "__main__":
    sys.exit(main())
