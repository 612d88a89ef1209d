"""Made-up documents, the same in every run: prose with the shape of real files, and words that are worth finding."""

import io
import random

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

THINGS = (
    "valve pump boiler turbine gearbox bearing cable sensor relay breaker filter gasket nozzle piston rotor stator "
    "battery inverter antenna router switch server ledger invoice contract permit licence audit tariff freight pallet "
    "container harbour bridge tunnel signal platform orchard vineyard greenhouse tractor harvester silo dairy bakery"
).split()
_VERBS = "requires replaces measures controls records limits protects connects delays repeats verifies closes".split()
_QUALITIES = "annual daily written certified spare northern internal approved damaged temporary heavy common".split()
_ENDINGS = (
    "before the inspection begins",
    "unless the supervisor has agreed in writing",
    "within {n} days of delivery",
    "at no more than {n} degrees",
    "for each of the {n} stations on the list",
    "and the result is kept for {n} months",
)


def sentence(chance: random.Random) -> str:
    """One sentence of ten to twenty words."""
    first, second = chance.sample(THINGS, 2)
    ending = chance.choice(_ENDINGS).format(n=chance.randint(2, 400))
    return (
        f"The {chance.choice(_QUALITIES)} {first} {chance.choice(_VERBS)} the {chance.choice(_QUALITIES)} {second} "
        f"of section {chance.randint(1, 99)} {ending}."
    )


def prose(chance: random.Random, characters: int) -> str:
    """Sentences up to about so many characters."""
    parts: list[str] = []
    size = 0
    while size < characters:
        parts.append(sentence(chance))
        size += len(parts[-1]) + 1
    return " ".join(parts)


def question(number: int) -> str:
    """A question about what the documents hold, another one for each number."""
    chance = random.Random(f"question {number}")
    first, second = chance.sample(THINGS, 2)
    return f"What does the {first} require of the {second} of section {number % 99 + 1}, case {number}?"


def markdown(name: str, characters: int = 40_000) -> bytes:
    """A manual: headings, prose, lists and now and then a table."""
    chance = random.Random(name)
    parts = [f"# Manual {name}"]
    size = 0
    while size < characters:
        parts += _section(chance, len(parts))
        size = sum(len(part) + 2 for part in parts)
    return "\n\n".join(parts)[:characters].encode()


def pdf(name: str, pages: int) -> bytes:
    """A book of so many pages, 45 lines of prose on each."""
    chance = random.Random(name)
    made = io.BytesIO()
    sheet = canvas.Canvas(made, pagesize=A4, pageCompression=1)
    for number in range(1, pages + 1):
        sheet.setFont("Helvetica-Bold", 14)
        sheet.drawString(60, 790, f"{number}. The {chance.choice(THINGS)} and the {chance.choice(THINGS)}")
        text = sheet.beginText(60, 765)
        text.setFont("Helvetica", 10, leading=16)
        for line in _lines(prose(chance, 4000), 95)[:45]:
            text.textLine(line)
        sheet.drawText(text)
        sheet.showPage()
    sheet.save()
    return made.getvalue()


def _section(chance: random.Random, number: int) -> list[str]:
    parts = [f"## {number}. The {chance.choice(THINGS)} and the {chance.choice(THINGS)}"]
    parts += [prose(chance, chance.randint(400, 1200)) for _ in range(3)]
    parts.append("\n".join(f"- {sentence(chance)}" for _ in range(4)))
    if chance.random() < 0.3:
        rows = [
            f"| {chance.choice(THINGS)} | {chance.randint(1, 999)} | {chance.choice(_QUALITIES)} |" for _ in range(8)
        ]
        parts.append("\n".join(["| Part | Number | State |", "| --- | --- | --- |", *rows]))
    return parts


def _lines(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
