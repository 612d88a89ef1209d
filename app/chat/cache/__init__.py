"""Answers that may be given again: to the same question, and where a bot allows it, to the same one in other words.

partition  what must be equal before any likeness counts: tenant, bot, everything active in its knowledge bases
keys       when two questions are the same question
entries    what is kept, in SQL, beside the messages themselves
recall     looking up before an answer is written, keeping what may be kept after
retelling  a stored answer as the events of a new one
wording    a question in its plainest words; guards: why two questions are not the same
meaning    the nearest stored questions, and whether their answers would rest on the same evidence
stats      what it saved, and what shadow mode saw
"""
